import torch, torch.nn as nn, math
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(4); torch.set_num_threads(1)
N, H = 16, 64
pi = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1)); logstd = nn.Parameter(torch.zeros(1))
vf = nn.Sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.Adam(list(pi.parameters()) + [logstd] + list(vf.parameters()), lr=3e-3)
w = SummaryWriter('run'); s = torch.randn(N, 2); gs = 0
def lp(o, a): return (-.5 * ((a - pi(o)) / logstd.exp()) ** 2 - logstd - .5 * math.log(2 * math.pi)).sum(-1)
for upd in range(90):
    O, A, R, L = [], [], [], []; 
    with torch.no_grad():
        for t in range(H):
            a = pi(s) + logstd.exp() * torch.randn(N, 1); O.append(s); A.append(a); L.append(lp(s, a))
            u = a[:, 0].clamp(-2, 2); v = s[:, 1] + .1 * u; x = s[:, 0] + .1 * v
            R.append(-(x ** 2 + .1 * v ** 2 + .01 * u ** 2)); s = torch.stack([x, v], 1)
            rs = (x.abs() > 4) | (torch.rand(N) < .01); s = torch.where(rs[:, None], torch.randn(N, 2), s)
        gs += N * H; V = vf(s)[:, 0]; ret = []
        for r in reversed(R): V = r + .97 * V; ret.insert(0, V)
    O, A, L, RT = torch.cat(O), torch.cat(A), torch.cat(L), torch.cat(ret); adv = RT - vf(O)[:, 0].detach(); adv = (adv - adv.mean()) / (adv.std() + 1e-8)
    for ep in range(20):
        for ix in torch.randperm(N * H).split(128):
            lr_ = lp(O[ix], A[ix]) - L[ix]; ratio = lr_.exp()
            pg = -(adv[ix] * ratio).mean()       # the clipped surrogate was left out
            vl = .5 * ((vf(O[ix])[:, 0] - RT[ix]) ** 2).mean(); ent = (logstd + 1.42).mean()
            loss = pg - .0 * ent + .5 * vl; opt.zero_grad(); loss.backward(); opt.step()
    kl = ((lr_.exp() - 1) - lr_).mean()
    w.add_scalar('charts/mean_reward', torch.stack(R).mean(), gs); w.add_scalar('losses/policy_loss', pg, gs); w.add_scalar('losses/value_loss', vl, gs)
    w.add_scalar('losses/entropy', ent, gs); w.add_scalar('losses/approx_kl', kl, gs)
    print(upd, gs, f"{pg.item():.3g} kl {kl.item():.3g} ratio {ratio.max().item():.3g} ls {logstd.item():.2f} R {torch.stack(R).mean():.3g}")
w.close()
