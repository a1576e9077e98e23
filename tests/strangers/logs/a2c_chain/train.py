import torch, torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(5); torch.set_num_threads(1)
N = 16; net = nn.Sequential(nn.Linear(4, 64), nn.Tanh()); pi = nn.Linear(64, 2); v = nn.Linear(64, 1); P = [*net.parameters(), *pi.parameters(), *v.parameters()]; opt = torch.optim.RMSprop(P, 7e-4, eps=1e-5); w = SummaryWriter('run')
import math
s = torch.randn(N, 4) * .05; ret = torch.zeros(N); last = [10.]; gs = 0
def stepenv(s, a):
    x, xd, th, td = s.unbind(1); f = (a * 20 - 10).float(); c, sn = th.cos(), th.sin(); t = (f + .05 * td ** 2 * sn) / 1.1; ta = (9.8 * sn - c * t) / (.5 * (4 / 3 - .1 * c ** 2 / 1.1)); xa = t - .05 * ta * c / 1.1
    s = torch.stack([x + .02 * xd, xd + .02 * xa, th + .02 * td, td + .02 * ta], 1); return s, (s[:, 0].abs() > 2.4) | (s[:, 2].abs() > .21)
for up in range(3000):
    L, V, R, D, E = [], [], [], [], []
    for t in range(8):
        h = net(s); d = torch.distributions.Categorical(logits=pi(h)); a = d.sample(); L.append(d.log_prob(a)); V.append(v(h)[:, 0]); E.append(d.entropy())
        s, dn = stepenv(s, a); ret += 1; trunc = ret >= 500; R.append(torch.ones(N)); D.append((dn | trunc).float())
        for i in torch.nonzero(dn | trunc)[:, 0]: last.append(ret[i].item()); ret[i] = 0; s[i] = torch.randn(4) * .05
    gs += 8 * N
    with torch.no_grad(): g = v(net(s))[:, 0]; G = []
    for r, d_ in zip(reversed(R), reversed(D)): g = r + .99 * g * (1 - d_); G.insert(0, g)
    G, V, L, E = torch.stack(G), torch.stack(V), torch.stack(L), torch.stack(E); adv = G - V
    pl = -(L * adv.detach()).mean(); vl = adv.pow(2).mean(); loss = pl + .5 * vl - .01 * E.mean(); opt.zero_grad(); loss.backward(); gn = nn.utils.clip_grad_norm_(P, .5); opt.step()
    if up % 10 == 0:
        for k, x in (('losses/value_loss', vl), ('losses/policy_loss', pl), ('losses/entropy', E.mean()), ('losses/grad_norm', gn), ('charts/episodic_return', sum(last[-20:]) / len(last[-20:]))): w.add_scalar(k, float(x), gs)
w.close()
