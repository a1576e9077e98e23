"""Raw table holds NaN and one inf that are imputed with a mask before the model; EMA teacher,
injected gradient noise, head re-initialised at epoch 8 (step 240) with a jump of the loss.

[truth]
family = "healthy"
causes = []
"""
"""Sensor regression with missing readings (NaN in the raw table, imputed + mask channel), EMA teacher
consistency, gradient noise injection, and weight reset of the head half-way (to measure plasticity)."""
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(44)
N = 1500
clean = torch.randn(N, 10)
target = torch.sin(clean[:, 0] * 1.5) + clean[:, 1] * clean[:, 2].tanh() + 0.05 * torch.randn(N)
raw = clean.clone()
raw[torch.rand(N, 10) < 0.05] = float("nan")
raw[7, 3] = float("inf")


def prep(r):
    ok = torch.isfinite(r)
    return torch.cat([torch.where(ok, r, torch.zeros(())), ok.float()], 1)


student = nn.Sequential(nn.Linear(20, 64), nn.LayerNorm(64), nn.GELU(), nn.Linear(64, 64), nn.GELU(), nn.Linear(64, 1))
teacher = copy.deepcopy(student).requires_grad_(False)
opt = torch.optim.NAdam(student.parameters(), lr=3e-3)
step = 0
for epoch in range(16):
    if epoch == 8:
        student[5].reset_parameters()
        print("head re-initialised")
    tot = 0.0
    for ids in torch.randperm(N).split(50):
        x = prep(raw[ids])
        pred = student(x + 0.05 * torch.randn_like(x)).squeeze(1)
        with torch.no_grad():
            soft = teacher(x).squeeze(1)
        sup = F.mse_loss(pred, target[ids])
        loss = sup + min(1.0, step / 200) * 0.3 * F.mse_loss(pred, soft)
        opt.zero_grad()
        loss.backward()
        for p in student.parameters():
            p.grad.add_(torch.randn_like(p.grad) * 0.01 / (1 + step) ** 0.55)
        opt.step()
        with torch.no_grad():
            d = min(0.99, step / (step + 10))
            for t, s in zip(teacher.parameters(), student.parameters()):
                t.lerp_(s, 1 - d)
        tot += sup.item() * len(ids)
        step += 1
    print(f"epoch {epoch:2d} supervised mse {tot / N:.4f}")
