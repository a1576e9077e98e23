"""Gradient penalty double backward, two optimizers, EMA generator swapped in and back.

[truth]
family = "healthy"
causes = []
"""
"""WGAN-GP for detector pulses, EMA generator for the plots. Paper code, section 4.2."""
import argparse
import copy
import math
import torch
import torch.nn as nn

torch.set_num_threads(1)


def pulses(n):
    t = torch.linspace(0, 1, 32)
    t0 = 0.2 + 0.2 * torch.rand(n, 1)
    tau = 0.05 + 0.15 * torch.rand(n, 1)
    amp = 0.5 + torch.rand(n, 1)
    d = (t - t0).clamp(min=0)
    return amp * (d / tau) * torch.exp(1 - d / tau) + 0.01 * torch.randn(n, 32)


def net(i, o, norm=False):
    layers = [nn.Linear(i, 96), nn.LayerNorm(96) if norm else nn.Identity(), nn.LeakyReLU(0.2), nn.Linear(96, 96), nn.LeakyReLU(0.2), nn.Linear(96, o)]
    return nn.Sequential(*layers)


class WGANGP:
    def __init__(self, a):
        self.a = a
        self.g, self.d = net(a.nz, 32, True), net(32, 1)
        self.ema = copy.deepcopy(self.g).requires_grad_(False)
        self.og = torch.optim.Adam(self.g.parameters(), lr=a.lr, betas=(0.0, 0.9))
        self.od = torch.optim.Adam(self.d.parameters(), lr=a.lr, betas=(0.0, 0.9))

    def penalty(self, x, f):
        u = torch.rand(len(x), 1)
        m = (u * x + (1 - u) * f).requires_grad_(True)
        grad, = torch.autograd.grad(self.d(m).sum(), m, create_graph=True)
        return ((grad.norm(dim=1) - 1) ** 2).mean()

    def critic(self):
        x = pulses(self.a.bs)
        f = self.g(torch.randn(self.a.bs, self.a.nz)).detach()
        w = self.d(x).mean() - self.d(f).mean()
        gp = self.penalty(x, f)
        self.od.zero_grad()
        (-w + self.a.gp * gp).backward()
        self.od.step()
        return w.item(), gp.item()

    def generator(self):
        loss = -self.d(self.g(torch.randn(self.a.bs, self.a.nz))).mean()
        self.og.zero_grad()
        loss.backward()
        self.og.step()
        with torch.no_grad():
            for e, p in zip(self.ema.parameters(), self.g.parameters()):
                e.lerp_(p, 0.01)
        return loss.item()

    def report(self, it, w, gp, lg):
        live = {k: v.clone() for k, v in self.g.state_dict().items()}
        self.g.load_state_dict(self.ema.state_dict())
        with torch.no_grad():
            s, r = self.g(torch.randn(1000, self.a.nz)), pulses(1000)
            err = ((s.mean(0) - r.mean(0)).pow(2).mean() + (s.std(0) - r.std(0)).pow(2).mean()).sqrt()
        self.g.load_state_dict(live)
        print(f"{it:5d} W {w:7.3f} gp {gp:.3f} loss_g {lg:7.3f} moment error {err:.4f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--iters", type=int, default=450)
    ap.add_argument("--bs", type=int, default=64)
    ap.add_argument("--nz", type=int, default=6)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--gp", type=float, default=10.0)
    ap.add_argument("--nd", type=int, default=4)
    a = ap.parse_args()
    torch.manual_seed(40)
    job = WGANGP(a)
    for it in range(a.iters):
        for _ in range(a.nd):
            w, gp = job.critic()
        lg = job.generator()
        if it % 50 == 49:
            job.report(it, w, gp, lg)
