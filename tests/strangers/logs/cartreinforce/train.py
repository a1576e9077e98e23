# REINFORCE with baseline on a numpy-free cart-pole (vectorised), TensorBoard, one point per update
import sys, torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(6)
class Pole:
    def reset(s, n): s.s = (torch.rand(n, 4)-.5)*.1; return s.s
    def step(s, a):
        x, v, th, om = s.s.T; F = (a.float()*2-1)*10; c, si = th.cos(), th.sin(); tmp = (F+.05*om**2*si)/1.1
        al = (9.8*si-c*tmp)/(.5*(4/3-.1*c**2/1.1)); ac = tmp-.05*al*c/1.1
        s.s = torch.stack([x+.02*v, v+.02*ac, th+.02*om, om+.02*al], 1)
        return s.s, (s.s[:, 0].abs() > 2.4) | (s.s[:, 2].abs() > .2095)
net = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2)); opt = torch.optim.Adam(net.parameters(), 1e-2)
w = SummaryWriter(sys.argv[1]); n = 6; env = Pole()
for up in range(220):
    s = env.reset(n); alive = torch.ones(n, dtype=torch.bool); S, A, M = [], [], []
    with torch.no_grad():
        for t in range(200):
            a = torch.distributions.Categorical(logits=net(s)).sample(); S.append(s); A.append(a); M.append(alive.clone()); s, d = env.step(a); alive = alive & ~d
            if not alive.any(): break
    S, A, M = torch.stack(S), torch.stack(A), torch.stack(M).float()
    R = torch.zeros_like(M); acc = torch.zeros(n)
    for t in reversed(range(len(M))): acc = M[t]*(1+.98*acc); R[t] = acc
    adv = R-(R*M).sum()/M.sum(); d = torch.distributions.Categorical(logits=net(S))
    loss = -(d.log_prob(A)*adv*M).sum()/n; ent = (d.entropy()*M).sum()/M.sum()
    opt.zero_grad(); loss.backward(); g = nn.utils.clip_grad_norm_(net.parameters(), 5.); opt.step()
    w.add_scalar('rollout/return', M.sum(0).mean().item(), up); w.add_scalar('rollout/return_min', M.sum(0).min().item(), up); w.add_scalar('train/pg_loss', loss.item(), up)
    w.add_scalar('train/entropy', ent.item(), up); w.add_scalar('train/gnorm_before_clip', g.item(), up)
w.close()
