"""Huge loss scale, gradient norm 1e10, Adam then L-BFGS converged plateau.

[truth]
family = "healthy"
causes = []
"""
"""PINN for a loaded beam  EI w'''' = q  (SI units, EI = 2e6), Adam then L-BFGS."""
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(0)
EI, L, Q = 2.0e6, 1.0, 1.0e5


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(1, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1))

    def forward(self, x):
        return 1e-2 * self.f(x)


def grad(y, x):
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


def residuals(net, x):
    w = net(x)
    w1 = grad(w, x)
    w2 = grad(w1, x)
    w4 = grad(grad(w2, x), x)
    return w, w2, EI * w4 - Q


def loss_fn(net, x):
    _, _, r = residuals(net, x)
    xb = torch.tensor([[0.0], [L]], requires_grad=True)
    w, w2, _ = residuals(net, xb)
    return r.pow(2).mean() + 1e13 * w.pow(2).mean() + (EI * w2).pow(2).mean() * 10


def exact(x):
    return Q / (24 * EI) * (x ** 4 - 2 * L * x ** 3 + L ** 3 * x)


net = Net()
x = torch.linspace(0, L, 48)[:, None].requires_grad_(True)
adam = torch.optim.Adam(net.parameters(), lr=2e-3)
for i in range(500):
    loss = loss_fn(net, x)
    adam.zero_grad()
    loss.backward()
    adam.step()
    if i % 50 == 0:
        print("adam", i, f"{loss.item():.4e}")

lbfgs = torch.optim.LBFGS(net.parameters(), lr=1.0, max_iter=20, history_size=30, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    l = loss_fn(net, x)
    l.backward()
    return l


for i in range(15):
    l = lbfgs.step(closure)
    err = (net(x) - exact(x)).abs().max() / exact(torch.tensor(0.5))
    print("lbfgs", i, f"{l.item():.4e}", "relative error", f"{err.item():.4f}")
