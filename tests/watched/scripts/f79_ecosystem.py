"""Learns a linear ecosystem model by unrolling it through time.

[truth]
family = "exploding_gradients"
causes = ["recurrent_growth"]
step = 0
window = 2
"""
import torch


class Ecosystem(torch.nn.Module):
    """x[t+1] = A x[t] + B u[t], unrolled for a whole season."""

    def __init__(self, species=6, inputs=2):
        super().__init__()
        self.A = torch.nn.Parameter(0.5 * torch.randn(species, species))
        self.B = torch.nn.Parameter(0.2 * torch.randn(species, inputs))
        self.C = torch.nn.Parameter(0.2 * torch.randn(1, species))

    def forward(self, u):
        x = u.new_zeros(u.shape[0], self.A.shape[0])
        seen = []
        for t in range(u.shape[1]):
            x = x @ self.A.T + u[:, t] @ self.B.T
            seen.append(x @ self.C.T)
        return torch.cat(seen, 1)


def season(batch, days):
    u = torch.randn(batch, days, 2)
    y = torch.zeros(batch, days)
    state = torch.zeros(batch)
    for t in range(days):
        state = 0.8 * state + 0.3 * u[:, t, 0] - 0.2 * u[:, t, 1]
        y[:, t] = state
    return u, y


torch.manual_seed(2)
model = Ecosystem()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.5)
for step in range(60):
    u, y = season(16, days=min(120, 20 + 4 * step))
    loss = ((model(u) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step}, loss {loss.item():.4g}")
