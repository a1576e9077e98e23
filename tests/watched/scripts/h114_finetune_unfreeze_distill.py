"""Head only, then unfreezing with a new optimizer and loss x1000 at step 100 (loss 0.06 -> 70),
then pruning at step 550 (10 -> 52) with masks; mse 0.49 -> 0.011.

[truth]
family = "healthy"
causes = []
"""
"""Distillation into a conv net: stage A trains the head only, stage B unfreezes the trunk with another optimizer and
multiplies the loss by 1000 (milli-units), stage C prunes 60 % of the smallest weights and continues with masks."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(55)
teacher = nn.Sequential(nn.Conv1d(2, 16, 5, padding=2), nn.Tanh(), nn.Conv1d(16, 8, 5, padding=2), nn.Tanh(),
                        nn.AdaptiveAvgPool1d(2), nn.Flatten(), nn.Linear(16, 3)).requires_grad_(False)
for p in teacher.parameters():
    p.mul_(2.5)
trunk = nn.Sequential(nn.Conv1d(2, 24, 5, padding=2), nn.ReLU(), nn.Conv1d(24, 24, 5, padding=2), nn.ReLU(),
                      nn.AdaptiveAvgPool1d(4), nn.Flatten())
head = nn.Linear(96, 3)
student = nn.Sequential(trunk, head)
masks = {}


def run(steps, opt, weight, tag):
    for s in range(steps):
        x = torch.randn(48, 2, 24)
        raw = F.mse_loss(student(x), teacher(x))
        loss = raw * weight
        opt.zero_grad()
        loss.backward()
        opt.step()
        with torch.no_grad():
            for p, m in masks.items():
                p.mul_(m)
        if s % 50 == 0 or s == steps - 1:
            print(f"{tag} {s:4d} loss {loss.item():.4f} (mse {raw.item():.5f})")


trunk.requires_grad_(False)
run(100, torch.optim.Adam(head.parameters(), lr=3e-3), 1.0, "A head only")
trunk.requires_grad_(True)
opt = torch.optim.Adam([{"params": trunk.parameters(), "lr": 1e-3}, {"params": head.parameters(), "lr": 2e-3}])
run(450, opt, 1000.0, "B all")
for p in [w for w in student.parameters() if w.dim() > 1]:
    k = p.detach().abs().flatten().kthvalue(int(0.6 * p.numel()))[0]
    masks[p] = (p.detach().abs() > k).float()
    with torch.no_grad():
        p.mul_(masks[p])
print("pruned")
run(350, opt, 1000.0, "C sparse")
