"""WGAN with weight clamping after each critic step; losses change sign and oscillate, exact W1
distance falls 1.9 -> 0.18.

[truth]
family = "healthy"
causes = []
"""
# WGAN with weight clamping (critic trained 3x), RMSprop, 1-D mixture
import torch
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(9)

def data(n):
    k = torch.randint(0, 2, (n, 1)).float()
    return 4 * k - 1 + 0.3 * torch.randn(n, 1)

gen = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 1))
critic = nn.Sequential(nn.Linear(1, 48), nn.LeakyReLU(0.2), nn.Linear(48, 48), nn.LeakyReLU(0.2), nn.Linear(48, 1))
og = torch.optim.RMSprop(gen.parameters(), lr=1e-3)
oc = torch.optim.RMSprop(critic.parameters(), lr=2e-3)

def w1(a, b):           # exact 1-D Wasserstein distance
    return (a.sort(0)[0] - b.sort(0)[0]).abs().mean().item()

for it in range(500):
    for _ in range(3):
        loss_c = critic(gen(torch.randn(128, 4)).detach()).mean() - critic(data(128)).mean()
        oc.zero_grad(); loss_c.backward(); oc.step()
        with torch.no_grad():
            for p in critic.parameters():
                p.clamp_(-0.15, 0.15)
    loss_g = -critic(gen(torch.randn(128, 4))).mean()
    og.zero_grad(); loss_g.backward(); og.step()
    if it % 50 == 0 or it == 499:
        with torch.no_grad():
            d = w1(gen(torch.randn(2000, 4)), data(2000))
        print(f"it {it} critic {loss_c.item():+.4f} gen {loss_g.item():+.4f} W1 {d:.3f}")
