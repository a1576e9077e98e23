"""Trains a PINN for a stiff heat problem in SI units with Adam, then L-BFGS.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch

torch.manual_seed(5)
L, T_END, KAPPA, T_AMP = 0.5, 200.0, 1.1e-4, 400.0       # m, s, m^2/s, K

net = torch.nn.Sequential(
    torch.nn.Linear(2, 24), torch.nn.Tanh(),
    torch.nn.Linear(24, 24), torch.nn.Tanh(),
    torch.nn.Linear(24, 1)).double()
for m in net:
    if isinstance(m, torch.nn.Linear):
        torch.nn.init.xavier_uniform_(m.weight)

W_PDE, W_IC, W_BC = 1e4, 1e2, 1e2


def temperature(x, t):
    s = torch.stack([2 * x / L - 1, 2 * t / T_END - 1], 1)
    return T_AMP * net(s).squeeze(1)


def exact(x, t):
    return T_AMP * torch.sin(np.pi * x / L) * torch.exp(-KAPPA * (np.pi / L) ** 2 * t)


def points(n):
    x = torch.rand(n, dtype=torch.float64) * L
    t = torch.rand(n, dtype=torch.float64) * T_END
    return x, t


def total_loss(batch):
    x, t = (b.clone().requires_grad_(True) for b in batch)
    u = temperature(x, t)
    u_x, u_t = torch.autograd.grad(u.sum(), (x, t), create_graph=True)
    u_xx = torch.autograd.grad(u_x.sum(), x, create_graph=True)[0]
    pde = (u_t - KAPPA * u_xx).pow(2).mean()
    ic = (temperature(x, torch.zeros_like(t)) - exact(x, torch.zeros_like(t))).pow(2).mean()
    bc = temperature(torch.zeros_like(x), t).pow(2).mean() + temperature(torch.full_like(x, L), t).pow(2).mean()
    return W_PDE * pde + W_IC * ic + W_BC * bc, (pde.item(), ic.item(), bc.item())


def rel_error():
    with torch.no_grad():
        x, t = points(2000)
        return ((temperature(x, t) - exact(x, t)).norm() / exact(x, t).norm()).item()


adam = torch.optim.Adam(net.parameters(), lr=5e-3)
for k in range(1200):
    batch = points(128)
    adam.zero_grad()
    loss, parts = total_loss(batch)
    loss.backward()
    norm = torch.sqrt(sum(p.grad.pow(2).sum() for p in net.parameters()))
    adam.step()
    if k == 600:
        W_PDE *= 20          # physics counts more in the second half
    if k % 100 == 0:
        print("adam %5d loss %.4e |g| %.3e  pde %.2e ic %.2e bc %.2e" % ((k, loss.item(), norm.item()) + parts))
print("relative error after Adam: %.4f" % rel_error())

fixed = points(512)
lbfgs = torch.optim.LBFGS(net.parameters(), max_iter=10, history_size=30, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    loss, _ = total_loss(fixed)
    loss.backward()
    return loss


for k in range(30):
    loss = lbfgs.step(closure)
    if k % 5 == 0:
        print("lbfgs %3d loss %.4e" % (k, loss.item()))
print("relative error after L-BFGS: %.4f" % rel_error())
