import torch, torch.nn as nn, torch.nn.functional as F, csv, math
torch.manual_seed(6); torch.set_num_threads(1)
def real(n): k = torch.randint(8, (n,)).float() * math.pi / 4; return torch.stack([k.cos(), k.sin()], 1) + .05 * torch.randn(n, 2)
G = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2)); D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(.2), nn.Linear(64, 64), nn.LeakyReLU(.2), nn.Linear(64, 1))
og, od = torch.optim.Adam(G.parameters(), 1e-3, betas=(.5, .9)), torch.optim.Adam(D.parameters(), 1e-3, betas=(.5, .9)); w = csv.writer(open('run/losses.csv', 'w')); w.writerow(['iter', 'errD', 'errG', 'D_x', 'D_G_z', 'lr'])
for it in range(4000):
    f = G(torch.randn(128, 8)); x = real(128); a, b = D(x), D(f.detach()); l = F.softplus(-a).mean() + F.softplus(b).mean(); od.zero_grad(); l.backward(); od.step()
    c = D(f); lg = F.softplus(-c).mean(); og.zero_grad(); lg.backward(); og.step()
    if it % 10 == 0: w.writerow([it, f"{l.item():.4f}", f"{lg.item():.4f}", f"{a.sigmoid().mean().item():.3f}", f"{b.sigmoid().mean().item():.3f}", 1e-3])
