"""PPO on a home-made cart that must be held at a moving target (continuous control). No clipping of the ratio in the failing one."""
import sys, os, csv, torch, math
from torch import nn
torch.set_num_threads(1); torch.manual_seed(4)
out = sys.argv[1]; FIXED = '--fixed' in sys.argv; os.makedirs(out, exist_ok=True)
class Env:
    def __init__(s, n): s.n = n; s.x = torch.randn(n); s.v = torch.zeros(n); s.tgt = torch.randn(n)
    def obs(s): return torch.stack([s.x, s.v, s.tgt, s.tgt-s.x], 1)
    def step(s, u):
        u = u.clamp(-2, 2); s.v = .9*s.v+.2*u; s.x = s.x+.3*s.v; s.tgt = s.tgt+.05*torch.randn(s.n)
        return -((s.x-s.tgt)**2+.05*u**2).clamp(max=20)
mlp = lambda o: nn.Sequential(nn.Linear(4, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, o))
pi, vf = mlp(1), mlp(1); ls = nn.Parameter(torch.zeros(1)-.2)
opt = torch.optim.Adam([*pi.parameters(), ls], 1.5e-3 if FIXED else 2.5e-3); ov = torch.optim.Adam(vf.parameters(), 3e-3)
T, n = 40, 32
w = csv.writer(open(out+'/progress.csv', 'w', newline='')); w.writerow('update,timesteps,ep_return_mean,policy_loss,value_loss,approx_kl,ratio_max,action_std,explained_variance'.split(','))
def lp(o, a): d = torch.distributions.Normal(pi(o)[:, 0], ls.exp()); return d.log_prob(a)
for up in range(1, 201):
    e = Env(n); O, A, R = [], [], []
    with torch.no_grad():
        for t in range(T):
            o = e.obs(); a = pi(o)[:, 0]+ls.exp()*torch.randn(n); O.append(o); A.append(a); R.append(e.step(a))
        R = torch.stack(R); ret = torch.zeros(T, n); acc = vf(e.obs())[:, 0]*3
        for t in reversed(range(T)): acc = R[t]+.95*acc; ret[t] = acc
        O, A, ret = torch.cat(O), torch.cat(A), ret.flatten()/3
        val = vf(O)[:, 0]; adv = ret-val; adv = (adv-adv.mean())/adv.std(); old = lp(O, A)
    pls, vls, kls, rm = [], [], [], 0.
    for ep in range(8):
        for b in torch.randperm(T*n).split(320):
            lr_ = lp(O[b], A[b])-old[b]; r = lr_.exp()
            pl = -torch.min(r*adv[b], r.clamp(.8, 1.2)*adv[b]).mean() if FIXED else -(r*adv[b]).mean()
            opt.zero_grad(); pl.backward(); opt.step()
            vl = (vf(O[b])[:, 0]-ret[b]).pow(2).mean(); ov.zero_grad(); vl.backward(); ov.step()
            pls.append(pl.item()); vls.append(vl.item()); rm = max(rm, r.max().item()); kls.append((r-1-lr_).mean().item())
    m = lambda z: sum(z)/len(z)
    w.writerow([up, up*T*n, f'{R.sum(0).mean().item():.3f}', f'{m(pls):.5f}', f'{m(vls):.5f}', f'{m(kls):.6g}', f'{rm:.5g}', f'{ls.exp().item():.4f}', f'{(1-adv.var()*0-(ret-val).var()/ret.var()).item():.3f}'])
