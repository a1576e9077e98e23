"""Fits an exponential decay with L-BFGS and a strong Wolfe line search.

[truth]
family = "healthy"
causes = []
"""
import torch


class Decay(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.log_rate = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
        self.amount = torch.nn.Parameter(torch.tensor([0.3, 0.3]))

    def forward(self, t):
        return (self.amount * torch.exp(-self.log_rate.exp() * t[:, None])).sum(1)


torch.manual_seed(10)
t = torch.linspace(0, 5, 120)
y = 1.2 * torch.exp(-2.0 * t) + 0.5 * torch.exp(-0.3 * t) + 0.01 * torch.randn(120)
model = Decay()
opt = torch.optim.LBFGS(model.parameters(), lr=1.0, max_iter=5, line_search_fn="strong_wolfe")

last = float("inf")
for k in range(20):

    def closure():
        opt.zero_grad()
        loss = ((model(t) - y) ** 2).sum()
        loss.backward()
        return loss

    value = opt.step(closure).item()
    if k % 4 == 0:
        print(f"iteration {k}: {value:.6f}")
    if abs(last - value) < 1e-9:
        print("converged after", k)
        break
    last = value
