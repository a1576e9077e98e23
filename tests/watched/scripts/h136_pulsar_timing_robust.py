"""Robust loss with outliers, deliberately skipped NaN batches.

[truth]
family = "healthy"
causes = []
"""
# Fit pulsar timing residuals with a small net and a Cauchy loss; RFI contaminated blocks are vetoed.
import numpy as np
import torch
torch.set_num_threads(1)
rng = np.random.default_rng(12)
torch.manual_seed(12)

n = 12000
mjd = np.sort(rng.uniform(0, 1, n))
orb = 2 * np.pi * mjd * 9.3
res = 0.8 * np.sin(orb) + 0.2 * np.sin(2 * orb + 0.4) + 1.5 * (mjd - 0.5) ** 2
sig = 0.05
obs = res + sig * rng.normal(size=n)
out = rng.random(n) < 0.08
obs[out] += rng.standard_cauchy(out.sum()) * 5            # glitches, mislabelled pulses
veto = rng.random(n) < 0.002
obs[veto] = np.nan                                          # receiver off

X = torch.tensor(np.stack([mjd * 2 - 1] + [f(k * orb) for k in (1, 2, 3) for f in (np.sin, np.cos)], 1), dtype=torch.float32)
Y = torch.tensor(obs, dtype=torch.float32)
truth = torch.tensor(res, dtype=torch.float32)

net = torch.nn.Sequential(torch.nn.Linear(7, 64), torch.nn.Tanh(), torch.nn.Linear(64, 64), torch.nn.Tanh(), torch.nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=2e-3)

def cauchy(r, c=0.1):
    return torch.log1p((r / c) ** 2).mean()

for ep in range(12):
    skipped, mse, tot, used = 0, [], 0.0, 0
    for i in torch.randperm(n).split(40):
        r = net(X[i]).squeeze(1) - Y[i]
        loss = cauchy(r)
        if not torch.isfinite(loss):
            skipped += 1
            continue
        opt.zero_grad()
        loss.backward()
        opt.step()
        tot, used = tot + loss.item(), used + 1
        mse.append(r.detach().pow(2).mean().item())
    with torch.no_grad():
        err = (net(X).squeeze(1) - truth).pow(2).mean().sqrt()
    print(f"epoch {ep} robust {tot / used:.4f} plain mse median {np.median(mse):.3g} max {max(mse):.3g} skipped {skipped} true rms {err:.4f}")
