import torch, torch.nn as nn, torch.nn.functional as F, csv
torch.manual_seed(2); torch.set_num_threads(1)
proto = (torch.rand(10, 144) > .6).float()
G = nn.Sequential(nn.Linear(16, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 144), nn.Tanh())
D = nn.Sequential(nn.Linear(144, 256), nn.LeakyReLU(.2), nn.Linear(256, 128), nn.LeakyReLU(.2), nn.Linear(128, 1))
og = torch.optim.Adam(G.parameters(), 1e-5, betas=(.5, .999)); od = torch.optim.Adam(D.parameters(), 2e-3, betas=(.5, .999))
B = 64; w = csv.writer(open('run/metrics.csv', 'w')); w.writerow(['d_loss', 'epoch', 'g_loss', 'step'])
one, zero = torch.ones(B, 1), torch.zeros(B, 1)
for s in range(4000):
    x = (proto[torch.randint(10, (B,))] - (torch.rand(B, 144) < .05).float()).abs() * 2 - 1
    z = torch.randn(B, 16); fake = G(z)
    ld = F.binary_cross_entropy_with_logits(D(x), one) + F.binary_cross_entropy_with_logits(D(fake.detach()), zero)
    od.zero_grad(); ld.backward(); od.step()
    lg = F.binary_cross_entropy_with_logits(D(fake), one)
    og.zero_grad(); lg.backward(); og.step()
    if s % 10 == 9:
        w.writerow([ld.item(), s // 200, '', s]); w.writerow(['', s // 200, lg.item(), s])
