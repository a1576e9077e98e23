"""Row 1371 has the sentinel duration -1; log(-1) = NaN in the batch of step 35 (verified to hold
1371), loss, gradients and then weights NaN for good.

[truth]
family = "bad_data"
causes = ["target_out_of_range", "nonfinite_input_or_target", "nonfinite_target"]
step = 35
among = [1371]
"""
"""Survival analysis: Weibull accelerated-failure-time model with a neural location, censored data."""
import torch
import torch.nn as nn

torch.set_num_threads(1)
gen = torch.Generator().manual_seed(2024)
torch.manual_seed(2024)

N = 2000
cov = torch.randn(N, 8, generator=gen)
scale = torch.exp(0.8 * cov[:, 0] - 0.5 * cov[:, 1] * cov[:, 2].tanh() + 2)
u = torch.rand(N, generator=gen).clamp(1e-4, 1 - 1e-4)
event_t = scale * (-torch.log(u)) ** (1 / 1.5)
cens_t = 20 * torch.rand(N, generator=gen) + 0.5
days = torch.minimum(event_t, cens_t)
event = (event_t <= cens_t).float()
days[1371] = -1.0        # export writes -1 when the discharge date is not known

loc = nn.Sequential(nn.Linear(8, 32), nn.SiLU(), nn.Linear(32, 1))
log_shape = nn.Parameter(torch.zeros(()))
opt = torch.optim.AdamW([*loc.parameters(), log_shape], lr=3e-3)


def nll(x, t, d):
    mu = loc(x).squeeze(-1)
    k = log_shape.exp()
    log_t = torch.log(t)
    z = k * (log_t - mu)
    log_hazard = log_shape - log_t + z
    cum_hazard = z.exp()
    return -(d * log_hazard - cum_hazard).mean()


step = 0
for epoch in range(15):
    perm = torch.randperm(N, generator=gen)
    tot = 0.0
    for start in range(0, N, 50):
        ids = perm[start:start + 50]
        opt.zero_grad(set_to_none=True)
        l = nll(cov[ids], days[ids], event[ids])
        l.backward()
        opt.step()
        tot += l.item()
        step += 1
    print(f"epoch {epoch:2d}  nll {tot / (N // 50):.4f}  shape {log_shape.exp().item():.3f}")
