"""Trains a PINN for the viscous Burgers equation with L-BFGS.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 8
window = 6
"""
import numpy as np
import torch

torch.manual_seed(0)
np.random.seed(0)
torch.set_default_dtype(torch.float64)

nu = 0.05
layers = [2, 20, 20, 20, 1]

# initial / boundary points
x0 = torch.linspace(-1, 1, 64)[:, None]
u0 = -torch.sin(np.pi * x0)
tb = torch.rand(40, 1)
xb = torch.where(torch.arange(40)[:, None] % 2 == 0, torch.ones(40, 1), -torch.ones(40, 1))
X_u = torch.cat([torch.cat([torch.zeros_like(x0), x0], 1), torch.cat([tb, xb], 1)])
U = torch.cat([u0, torch.zeros(40, 1)])
# collocation
X_f = torch.cat([torch.rand(2000, 1), 2 * torch.rand(2000, 1) - 1], 1).requires_grad_(True)


def make_net():
    mods = []
    for i in range(len(layers) - 1):
        lin = torch.nn.Linear(layers[i], layers[i + 1])
        torch.nn.init.xavier_normal_(lin.weight)
        torch.nn.init.zeros_(lin.bias)
        mods.append(lin)
        if i < len(layers) - 2:
            mods.append(torch.nn.Tanh())
    return torch.nn.Sequential(*mods)


class PhysicsInformedNN:
    def __init__(self):
        self.net = make_net()
        self.optimizer = torch.optim.LBFGS(self.net.parameters(), lr=0.1, max_iter=1, history_size=20)
        self.iter = 0

    def net_f(self):
        u = self.net(X_f)
        du = torch.autograd.grad(u.sum(), X_f, create_graph=True)[0]
        u_t, u_x = du[:, :1], du[:, 1:]
        u_xx = torch.autograd.grad(u_x.sum(), X_f, create_graph=True)[0][:, 1:]
        return u_t + u * u_x - nu * u_xx

    def loss_func(self):
        loss_u = ((self.net(X_u) - U) ** 2).mean()
        loss_f = (self.net_f() ** 2).mean()
        loss = loss_u + loss_f
        loss.backward()
        self.iter += 1
        if self.iter % 20 == 0:
            print("Iter %d, Loss: %.5e, Loss_u: %.5e, Loss_f: %.5e" % (
                self.iter, loss.item(), loss_u.item(), loss_f.item()))
        return loss

    def train(self, nsteps):
        self.net.train()
        for _ in range(nsteps):
            self.optimizer.step(self.loss_func)


model = PhysicsInformedNN()
model.train(100)
with torch.no_grad():
    err = (model.net(X_u) - U).pow(2).mean().sqrt() / U.pow(2).mean().sqrt()
print("relative error on initial/boundary data: %.3e" % err.item())
