"""At step 179 a pair has d = 16.7 so 1 - sigmoid(d) is exactly 0 in float32 and its log -inf: loss
inf, gradients NaN.

[truth]
family = "unstable_loss"
causes = ["saturated_probabilities", "log_of_zero", "overflow_or_log_of_zero"]
step = 179
phase = "loss"
"""
# pairwise ranking of documents per query (RankNet) with a home-made Lion optimizer
import torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(12)

class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), wd=0.0):
        super().__init__(params, dict(lr=lr, betas=betas, wd=wd))
    @torch.no_grad()
    def step(self):
        for g in self.param_groups:
            b1, b2 = g["betas"]
            for p in g["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.mul_(1 - g["lr"] * g["wd"]).sub_(g["lr"] * torch.sign(b1 * m + (1 - b1) * p.grad))
                m.mul_(b2).add_(p.grad, alpha=1 - b2)

truth = torch.randn(12)
def pairs(n):
    a, b = torch.randn(n, 12), torch.randn(n, 12)
    better = (a @ truth > b @ truth)[:, None]
    return torch.where(better, a, b), torch.where(better, b, a)

scorer = nn.Sequential(nn.Linear(12, 64), nn.ReLU(), nn.Linear(64, 1))
opt = Lion(scorer.parameters(), lr=1e-3)
for step in range(1200):
    hi, lo = pairs(128)
    d = scorer(hi) - scorer(lo)
    p_wrong = 1 - torch.sigmoid(d)
    loss = -torch.log(1 - p_wrong).mean()
    # calibration: keep the probability of the wrong order near its empirical rate
    rate = 0.01
    loss = loss - 0.05 * (rate * torch.log(p_wrong) + (1 - rate) * torch.log(1 - p_wrong)).mean()  # <- culprit
    opt.zero_grad(); loss.backward(); opt.step()
    if step % 60 == 0:
        print(f"{step} loss {loss.item():.4f} pair acc {(d > 0).float().mean().item():.3f} |d| {d.abs().mean().item():.2f}")
