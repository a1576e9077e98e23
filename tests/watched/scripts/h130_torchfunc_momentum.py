"""Own heavy ball momentum 0.98 with torch.func, oscillates but converges.

[truth]
family = "healthy"
causes = []
"""
# orbit parameter fit with torch.func: stochastic heavy-ball on a badly conditioned bowl
import math
import torch
from torch.func import functional_call, grad_and_value, vmap
torch.set_num_threads(1)
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


class Orbit(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.coef = torch.nn.Parameter(torch.zeros(9))
    def forward(self, t):
        k = torch.arange(1, 5)
        basis = torch.cat([torch.ones(1), torch.sin(k * t) * k, torch.cos(k * t) * k])
        return (basis * self.coef).sum()


class HeavyBall(torch.optim.Optimizer):
    def __init__(self, params, lr, mu):
        super().__init__(params, dict(lr=lr, mu=mu))
    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            for p in g["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                v.mul_(g["mu"]).sub_(p.grad, alpha=g["lr"])
                p.add_(v)


model = Orbit()
truth = torch.randn(9) * 5
t = torch.rand(400) * 2 * math.pi
with torch.no_grad():
    y = vmap(lambda s: functional_call(model, {"coef": truth}, (s,)))(t) + 0.02 * torch.randn(400)

def chi2(params, tb, yb):
    return (vmap(lambda s: functional_call(model, params, (s,)))(tb) - yb).pow(2).mean()

opt = HeavyBall(model.parameters(), lr=0.02, mu=0.98)
for it in range(1500):
    i = torch.randint(0, 400, (128,))
    params = {k: p.detach() for k, p in model.named_parameters()}
    g, loss = grad_and_value(chi2)(params, t[i], y[i])
    for k, p in model.named_parameters():
        p.grad = g[k]
    opt.step()
    if it % 100 == 0:
        print(f"{it:5d} chi2 {loss:.4e}  |c-c*| {(model.coef - truth).norm():.3e}")
