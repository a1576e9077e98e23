# keyword spotting on log-spectrogram patches, narrow ReLU tower
import sys, os, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(9)
out = sys.argv[1]; fixed = '--fixed' in sys.argv; os.makedirs(out, exist_ok=True)
tmpl = torch.randn(10, 40*12)
def get(n):
    y = torch.randint(0, 10, (n,)); return (.35*tmpl[y]*(.5+torch.rand(n, 1))+torch.randn(n, 480)).abs()-.8, y
L = []; d = 480
for h in (64, 48, 32, 16, 16): L += [nn.Linear(d, h), nn.ReLU()]; d = h
net = nn.Sequential(*L, nn.Linear(d, 10))
opt = torch.optim.Adam(net.parameters(), lr=1e-3 if fixed else 3e-2)
f = open(out+'/console.txt', 'w'); print('device=cpu params=%d' % sum(p.numel() for p in net.parameters()), file=f)
vx, vy = get(1000); S = 0
for it in range(1, 1601):
    x, y = get(48); loss = nn.functional.cross_entropy(net(x), y); opt.zero_grad(); loss.backward()
    g = nn.utils.clip_grad_norm_(net.parameters(), 1e9).item(); opt.step(); S += loss.item()
    if it % 10 == 0: print('[it %04d/1600] loss=%.4f gnorm=%.3e' % (it, S/10, g), file=f); S = 0
    if it % 200 == 0:
        with torch.no_grad(): z = net(vx)
        print('    >> eval @ %d: val_loss=%.4f val_acc=%.3f' % (it, nn.functional.cross_entropy(z, vy).item(), (z.argmax(1) == vy).float().mean().item()), file=f)
