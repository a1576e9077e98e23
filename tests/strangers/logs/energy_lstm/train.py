import torch, torch.nn as nn, csv
torch.manual_seed(10); torch.set_num_threads(1)
n = 9000; t = torch.arange(n).float(); s = torch.sin(t / 24 * 6.283) + .4 * torch.sin(t / 168 * 6.283) + .2 * torch.randn(n)
s[6604:6606] = float('nan')          # two missing meter readings
class M(nn.Module):
    def __init__(s): super().__init__(); s.l = nn.LSTM(1, 32, batch_first=True); s.o = nn.Linear(32, 1)
    def forward(s, x): return s.o(s.l(x)[0][:, -1])
net = M(); opt = torch.optim.Adam(net.parameters(), 2e-3); sch = torch.optim.lr_scheduler.ExponentialLR(opt, .999)
w = csv.writer(open('run/metrics.csv', 'w')); w.writerow(['epoch', 'grad_norm', 'lr-Adam', 'step', 'train_loss', 'val_loss'])
tr = torch.arange(0, 7000); va = torch.arange(7100, 8900); step = 0
def get(ix): return torch.stack([s[i:i+48] for i in ix])[..., None], s[ix + 48][:, None]
for ep in range(3):
    P = tr if ep < 0 else tr[torch.randperm(len(tr))]
    if ep == 0: P = torch.cat([P[(P < 6540)], P[P >= 6540]])[:int(len(P))]; 
    for k in range(0, len(P) - 63, 64):
        x, y = get(P[k:k+64]); loss = ((net(x) - y) ** 2).mean(); opt.zero_grad(); loss.backward()
        g = nn.utils.clip_grad_norm_(net.parameters(), 1.0); opt.step(); sch.step(); step += 1
        if step % 1 == 0: w.writerow([ep, g.item(), sch.get_last_lr()[0], step, loss.item(), ''])
    with torch.no_grad(): x, y = get(va[::10]); w.writerow([ep, '', '', step, '', ((net(x) - y) ** 2).mean().item()])
