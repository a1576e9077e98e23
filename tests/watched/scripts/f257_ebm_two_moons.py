"""loss = E(data) - E(noise) has no lower bound; SGD runs down it super-geometrically: -1 at 50, -5
at 60, -59 at 70, -7.6e3 at 80, -3e22 at 89, NaN loss at 90 (gradient first NaN at 91).

[truth]
family = "unstable_loss"
causes = ["unbounded_loss"]
step = 69
window = 21
"""
"""Energy-based model of two moons, contrastive training with uniform negatives."""
import math
import torch
import torch.nn as nn

torch.set_num_threads(1)
torch.manual_seed(17)


def moons(n):
    t = math.pi * torch.rand(n)
    up = torch.rand(n) < 0.5
    x = torch.where(up, torch.cos(t), 1 - torch.cos(t))
    y = torch.where(up, torch.sin(t), 0.5 - torch.sin(t))
    return torch.stack([x, y], 1) + 0.05 * torch.randn(n, 2)


def negatives(n):
    return torch.rand(n, 2) * torch.tensor([4.0, 3.0]) - torch.tensor([1.5, 1.25])


energy = nn.Sequential(nn.Linear(2, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1))
opt = torch.optim.SGD(energy.parameters(), lr=0.02, momentum=0.9)

for it in range(400):
    pos, neg = moons(128), negatives(128)
    e_pos, e_neg = energy(pos), energy(neg)
    loss = e_pos.mean() - e_neg.mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 20 == 0:
        auc = (e_pos < e_neg.T).float().mean().item()
        print(f"it {it:3d} loss {loss.item():.4f}  P(E_data < E_noise) {auc:.3f}")
