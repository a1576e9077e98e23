# VAE on 12x12 glyphs, sum-reduced loss; KL weight 0 until step 600, then ramps to 1 (loss goes up on purpose)
import sys, os, torch
from torch import nn
import torch.nn.functional as F
torch.set_num_threads(1); torch.manual_seed(19); os.makedirs(sys.argv[1], exist_ok=True)
P = F.interpolate((torch.rand(10, 1, 4, 4) > .5).float(), scale_factor=3)
def get(n):
    x = P[torch.randint(0, 10, (n,)), 0]; x = torch.stack([torch.roll(a, (int(u), int(v)), (0, 1)) for a, u, v in zip(x, torch.randint(-2, 3, (n,)), torch.randint(-2, 3, (n,)))])
    return ((x+(torch.rand(n, 12, 12) < .03)) % 2).flatten(1)
data = get(5000)
E = nn.Sequential(nn.Linear(144, 160), nn.ReLU(), nn.Linear(160, 24)); D = nn.Sequential(nn.Linear(12, 160), nn.ReLU(), nn.Linear(160, 144))
opt = torch.optim.Adam([*E.parameters(), *D.parameters()], 2e-3); log = open(sys.argv[1]+'/vae.log', 'w')
for s in range(1, 2201):
    x = data[torch.randint(0, 5000, (64,))]; mu, lv = E(x).chunk(2, 1); z = mu+(.5*lv).exp()*torch.randn_like(mu)
    rec = F.binary_cross_entropy_with_logits(D(z), x, reduction='sum'); kl = .5*(mu**2+lv.exp()-1-lv).sum(); beta = min(1., max(0., (s-600)/150))
    loss = rec+beta*kl; opt.zero_grad(); loss.backward(); opt.step()
    if s % 10 == 0: print(f'Train Step: {s}\tLoss: {loss.item():.2f}\tRecon: {rec.item():.2f}\tKLD: {kl.item():.2f}\tbeta: {beta:.2f}', file=log)
