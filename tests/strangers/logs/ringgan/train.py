# GAN for 8 gaussians on a ring; non-saturating loss
import sys, os, csv, math, torch
from torch import nn
import torch.nn.functional as F
torch.set_num_threads(1); torch.manual_seed(12); out = sys.argv[1]; os.makedirs(out, exist_ok=True)
ang = torch.arange(8)*math.pi/4; C = torch.stack([ang.cos(), ang.sin()], 1)*2
real = lambda n: C[torch.randint(0, 8, (n,))]+.1*torch.randn(n, 2)
mk = lambda i, o: nn.Sequential(nn.Linear(i, 96), nn.LeakyReLU(.2), nn.Linear(96, 96), nn.LeakyReLU(.2), nn.Linear(96, o))
G, D = mk(8, 2), mk(2, 1)
oG, oD = torch.optim.Adam(G.parameters(), 6e-4, betas=(.5, .9)), torch.optim.Adam(D.parameters(), 1e-3, betas=(.5, .9))
w = csv.writer(open(out+'/gan.csv', 'w', newline='')); w.writerow(['iter', 'loss_D', 'loss_G', 'D_real', 'D_fake', 'modes_hit', 'pct_good'])
for it in range(1, 3501):
    x = real(128); z = G(torch.randn(128, 8)).detach(); x.requires_grad_(True); a, b = D(x), D(z)
    gp = torch.autograd.grad(a.sum(), x, create_graph=True)[0].pow(2).sum(1).mean()
    lD = F.softplus(-a).mean()+F.softplus(b).mean()+.03*gp; oD.zero_grad(); lD.backward(); oD.step()
    lG = F.softplus(-D(G(torch.randn(128, 8)))).mean(); oG.zero_grad(); lG.backward(); oG.step()
    if it % 10 == 0:
        r = ['', '']
        if it % 200 == 0:
            with torch.no_grad(): s = G(torch.randn(1000, 8)); d, k = torch.cdist(s, C).min(1); ok = d < .35; r = [len(k[ok].unique()), round(ok.float().mean().item(), 3)]
        w.writerow([it, round(lD.item(), 4), round(lG.item(), 4), round(a.sigmoid().mean().item(), 3), round(b.sigmoid().mean().item(), 3)]+r)
