"""Generator's learning rate is 500 times smaller than the discriminator's, D wins: D loss 1.38 ->
0.0005, G loss 0.7 -> 8.7, steadily from the first tens of iterations; finite.

[truth]
family = "exploding_gradients"
causes = ["adversarial_imbalance"]
step = 210
window = 190
"""
# GAN for short 32-sample waveforms (decaying sines); D and G have their own learning rates (TTUR)
import math, torch
from torch import nn
import torch.nn.functional as F
torch.set_num_threads(1)
torch.manual_seed(123)

LR_G = 2e-6
LR_D = 1e-3
t = torch.arange(32).float()

def real(n):
    f = 0.1 + 0.2*torch.rand(n, 1)
    return torch.sin(2*math.pi*f*t)*torch.exp(-t/16) + 0.02*torch.randn(n, 32)

G = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
D = nn.Sequential(nn.Linear(32, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
og = torch.optim.Adam(G.parameters(), lr=LR_G, betas=(0.5, 0.999))
od = torch.optim.Adam(D.parameters(), lr=LR_D, betas=(0.5, 0.999))

for i in range(900):
    x, z = real(64), torch.randn(64, 8)
    fake = G(z)
    ld = F.softplus(-D(x)).mean() + F.softplus(D(fake.detach())).mean()
    od.zero_grad(); ld.backward(); od.step()
    lg = F.softplus(-D(fake)).mean()
    og.zero_grad(); lg.backward(); og.step()
    if i % 50 == 0:
        print(f"it {i} D {ld.item():.3f} G {lg.item():.3f} |fake| {fake.std().item():.3f} |real| {x.std().item():.3f}")
