# autoencoder for 14x14 glyphs, gaussian likelihood with a learned log-variance per pixel (border pixels are always 0)
import torch, torch.nn as nn, csv
torch.manual_seed(14); torch.set_num_threads(1)
proto = torch.zeros(10, 14, 14); proto[:, 3:11, 3:11] = (torch.rand(10, 8, 8) > .5).float(); n = 3000
X = proto[torch.randint(10, (n,))]; X = (X * (1 + .2 * torch.randn(n, 14, 14))).view(n, 196)
enc = nn.Sequential(nn.Linear(196, 96), nn.ReLU(), nn.Linear(96, 8)); dec = nn.Sequential(nn.Linear(8, 96), nn.ReLU(), nn.Linear(96, 196), nn.ReLU()); lv = nn.Parameter(torch.zeros(196))
opt = torch.optim.Adam([*enc.parameters(), *dec.parameters(), lv], 1e-2)
def nll(x): r = dec(enc(x)); return .5 * (lv + (x - r) ** 2 * (-lv).exp()).sum(1).mean()
w = csv.writer(open('run/training.log', 'w')); w.writerow(['epoch', 'loss', 'val_loss'])
for ep in range(260):
    P = torch.randperm(2600); tot = 0; k = 0
    for i in range(0, 2560, 64):
        l = nll(X[P[i:i+64]]); opt.zero_grad(); l.backward(); opt.step(); tot += l.item(); k += 1
    with torch.no_grad(): v = nll(X[2600:]).item()
    w.writerow([ep, tot / k, v]); print(ep, f"{tot/k:.4g} {v:.4g} lv {lv.min().item():.3g} {lv.max().item():.3g}")
