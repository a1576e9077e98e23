"""Length curriculum: loss jumps and large clipped gradients at each change.

[truth]
family = "healthy"
causes = []
"""
"""Adding problem with a length curriculum (10, 20, 40, 60 steps)."""
import torch
import torch.nn as nn


def adding(n, T):
    v = torch.rand(n, T)
    m = torch.zeros(n, T)
    i = torch.randint(0, T // 2, (n,))
    j = torch.randint(T // 2, T, (n,))
    r = torch.arange(n)
    m[r, i] = 1
    m[r, j] = 1
    return torch.stack([v, m], -1), (v * m).sum(1)


class IRNN(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.cell = nn.RNN(2, h, nonlinearity="relu", batch_first=True)
        nn.init.eye_(self.cell.weight_hh_l0)
        nn.init.normal_(self.cell.weight_ih_l0, std=0.1)
        nn.init.zeros_(self.cell.bias_hh_l0)
        nn.init.zeros_(self.cell.bias_ih_l0)
        self.out = nn.Linear(h, 1)

    def forward(self, x):
        h, _ = self.cell(x)
        return self.out(h[:, -1]).squeeze(-1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.manual_seed(10)
    net = IRNN()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    for T, steps in ((10, 500), (20, 500), (40, 400), (60, 400)):
        for s in range(steps):
            x, y = adding(64, T)
            loss = (net(x) - y).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(net.parameters(), 0.5)
            opt.step()
            if s % 50 == 0 or s == steps - 1:
                print(f"T={T} step {s} loss {loss.item():.4f} grad norm {norm:.2f}")
