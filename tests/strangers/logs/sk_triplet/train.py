# metric learning with euclidean triplet loss; the catalogue contains a few exact duplicates
import torch, torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(11); torch.set_num_threads(1)
C, D = 60, 32; cent = torch.randn(C, D); N = 3000; lab = torch.randint(C, (N,)); X = cent[lab] + .6 * torch.randn(N, D)
X[1751] = X[208]; lab[1751] = lab[208]
by = [torch.nonzero(lab == c)[:, 0] for c in range(C)]
net = nn.Sequential(nn.Linear(D, 64), nn.ReLU(), nn.Linear(64, 24)); opt = torch.optim.Adam(net.parameters(), 1e-3); w = SummaryWriter('run')
def dist(a, b): return ((a - b) ** 2).sum(1).sqrt()
bad = None
for it in range(900):
    a = torch.randint(N, (32,)); p = torch.stack([by[c][torch.randint(len(by[c]), ())] for c in lab[a]]); 
    p = torch.where(p == a, torch.stack([by[c][(torch.nonzero(by[c] == i)[0, 0] + 1) % len(by[c])] for c, i in zip(lab[a], a)]), p)
    ng = torch.randint(N, (32,)); e = net(X[a]); ep, en = net(X[p]), net(X[ng])
    loss = (dist(e, ep) - dist(e, en) + .5).relu().mean() + 1e-3 * e.pow(2).mean()
    opt.zero_grad(); loss.backward(); g = nn.utils.clip_grad_norm_(net.parameters(), 5.0); opt.step()
    if bad is None and not torch.isfinite(g): bad = it; print('first nonfinite grad', it, 'loss', loss.item(), 'dup in batch', ((a == 208) & (p == 1751) | (a == 1751) & (p == 208)).any().item(), 'own negative', (a == ng).any().item())
    w.add_scalar('train_loss_step', loss.item(), it); w.add_scalar('grad_norm', g.item(), it)
w.close()
