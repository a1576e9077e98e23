"""Stale second moment: v frozen at 0 from step 0 (zero-init head gives zero body gradients), step
1 divides by eps.

[truth]
family = "exploding_gradients"
causes = ["stale_second_moment"]
step = 1
window = 2
"""
# Residual MLP on spectra, trained with a cheap Adam variant that refreshes its preconditioner now and then
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import TensorDataset, DataLoader

torch.set_num_threads(1)
torch.manual_seed(11)


class LazyAdam(torch.optim.Optimizer):
    """Adam whose second moment is refreshed every `every` steps to save memory traffic."""

    def __init__(self, params, lr=1e-3, beta1=0.9, beta2=0.95, eps=1e-8, every=10):
        super().__init__(params, dict(lr=lr, beta1=beta1, beta2=beta2, eps=eps, every=every))

    @torch.no_grad()
    def step(self, closure=None):
        for g in self.param_groups:
            for p in g["params"]:
                if p.grad is None:
                    continue
                st = self.state[p]
                if not st:
                    st["t"], st["k"] = 0, 0
                    st["m"], st["v"] = torch.zeros_like(p), torch.zeros_like(p)
                if st["t"] % g["every"] == 0:
                    st["v"].mul_(g["beta2"]).addcmul_(p.grad, p.grad, value=1 - g["beta2"])
                    st["k"] += 1
                st["t"] += 1
                st["m"].mul_(g["beta1"]).add_(p.grad, alpha=1 - g["beta1"])
                mh = st["m"] / (1 - g["beta1"] ** st["t"])
                vh = st["v"] / (1 - g["beta2"] ** st["k"])
                p.addcdiv_(mh, vh.sqrt() + g["eps"], value=-g["lr"])


class Res(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.n = nn.LayerNorm(d)
        self.a, self.b = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)

    def forward(self, x):
        return x + self.b(F.gelu(self.a(self.n(x))))


class Net(nn.Module):
    def __init__(self, d_in=60, d=48, n_cls=6):
        super().__init__()
        self.stem = nn.Linear(d_in, d)
        self.body = nn.Sequential(*[Res(d) for _ in range(3)])
        self.head = nn.Linear(d, n_cls)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


freq = torch.linspace(0, 1, 60)
centres = torch.rand(6, 3)
y = torch.randint(0, 6, (3000,))
shift = 0.02 * torch.randn(3000, 3)
x = torch.exp(-((freq[None, None] - (centres[y] + shift)[..., None]) / 0.05) ** 2).sum(1)
x = x + 0.15 * torch.randn_like(x)
loader = DataLoader(TensorDataset(x[:2600], y[:2600]), batch_size=64, shuffle=True)

net = Net()
opt = LazyAdam(net.parameters(), lr=1e-3)
for epoch in range(12):
    tot, n = 0.0, 0
    for xb, yb in loader:
        loss = F.cross_entropy(net(xb), yb)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot, n = tot + loss.item() * len(xb), n + len(xb)
    with torch.no_grad():
        acc = (net(x[2600:]).argmax(1) == y[2600:]).float().mean().item()
    print(f"epoch {epoch}: train {tot / n:.4f} val acc {acc:.3f}")
