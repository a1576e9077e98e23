# 3-bit parity hidden in 24 bits: long plateau at ln 2, then sudden learning
import sys, os, csv, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(41); os.makedirs(sys.argv[1], exist_ok=True)
get = lambda n: (lambda x: (x, x[:, 3]*x[:, 11]*x[:, 19]))((torch.rand(n, 24) > .5).float()*2-1)
m = nn.Sequential(nn.Linear(24, 128), nn.ReLU(), nn.Linear(128, 1)); o = torch.optim.SGD(m.parameters(), lr=.08, weight_decay=1e-3)
w = csv.writer(open(sys.argv[1]+'/log.csv', 'w', newline='')); w.writerow(['n_iter', 'train_loss', 'train_acc', 'test_acc'])
vx, vy = get(2000); S = A = 0
for i in range(1, 9001):
    x, y = get(64); z = m(x)[:, 0]; l = nn.functional.softplus(-z*y).mean(); o.zero_grad(); l.backward(); o.step(); S += l.item(); A += (z*y > 0).float().mean().item()
    if i % 50 == 0:
        with torch.no_grad(): t = (m(vx)[:, 0]*vy > 0).float().mean().item()
        w.writerow([i, round(S/50, 5), round(A/50, 4), round(t, 4)]); S = A = 0
