import torch, torch.nn as nn, csv, torch.nn.functional as F
torch.manual_seed(7); torch.set_num_threads(1)
n = 3000; proto = (torch.rand(30, 144) > .6).float(); X = (proto[torch.randint(30, (n,))] + (torch.rand(n, 144) < .06).float()) % 2
enc = nn.Sequential(nn.Linear(144, 96), nn.ReLU(), nn.Linear(96, 32)); dec = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 144)); opt = torch.optim.Adam([*enc.parameters(), *dec.parameters()], 1e-3)
def go(x):
    m, lv = enc(x).chunk(2, 1); z = m + torch.randn_like(m) * (.5 * lv).exp(); return F.binary_cross_entropy_with_logits(dec(z), x, reduction='none').sum(1).mean(), (-.5 * (1 + lv - m * m - lv.exp())).sum(1).mean()
w = csv.writer(open('run/history.csv', 'w')); w.writerow(['epoch', 'kl_loss', 'loss', 'reconstruction_loss', 'val_loss'])
for ep in range(100):
    beta = 4 * min(1, max(0, (ep - 20) / 40)); P = torch.randperm(2560); S = [0, 0, 0]
    for i in range(0, 2560, 64): r, k = go(X[P[i:i+64]]); l = r + beta * k; opt.zero_grad(); l.backward(); opt.step(); S = [S[0] + k.item() / 40, S[1] + l.item() / 40, S[2] + r.item() / 40]
    with torch.no_grad(): r, k = go(X[2560:])
    w.writerow([ep, *S, (r + beta * k).item()])
