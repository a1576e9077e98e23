# sorting digits with a GRU, length grows by stages, batch size shrinks accordingly; L1 penalty is ramped in at the end
import torch, torch.nn as nn, torch.nn.functional as F, csv
torch.manual_seed(12); torch.set_num_threads(1)
gru = nn.GRU(10, 48, batch_first=True, bidirectional=True); o = nn.Linear(96, 10); P = [*gru.parameters(), *o.parameters()]; opt = torch.optim.Adam(P, 4e-3); w = csv.writer(open('run/log.csv', 'w')); w.writerow(['it', 'train/loss', 'train/gnorm', 'train/len', 'train/bs', 'train/l1'])
for it in range(1500):
    st = it // 300; L = [3, 5, 8, 12, 12][st]; B = [128, 96, 64, 24, 24][st]; x = torch.randint(10, (B, L)); y = x.sort(1)[0]; l = F.cross_entropy(o(gru(F.one_hot(x, 10).float())[0]).reshape(-1, 10), y.reshape(-1))
    l1 = 1e-4 * max(0, it - 1200) / 300 * sum(p.abs().sum() for p in P); l = l + l1
    opt.zero_grad(); l.backward(); g = nn.utils.clip_grad_norm_(P, 1.); opt.step()
    if it % 5 == 0: w.writerow([it, round(l.item(), 5), round(g.item(), 4), L, B, round(float(l1), 5)])
