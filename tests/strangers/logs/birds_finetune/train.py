import torch, torch.nn as nn, torch.nn.functional as F, csv
torch.manual_seed(2); torch.set_num_threads(1)
tea = nn.Sequential(nn.Linear(32, 64), nn.Tanh()); Wp, Wf = torch.randn(64, 20), torch.randn(64, 12); rot = torch.eye(32) + .15 * torch.randn(32, 32)
for p in tea.parameters(): p.data *= 3
def pre(n): x = torch.randn(n, 32); return x, (tea(x) @ Wp).argmax(1)
def fin(n): x = torch.randn(n, 32); return x @ rot, (tea(x) @ Wf).argmax(1)
body = nn.Sequential(nn.Linear(32, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU()); h0 = nn.Linear(64, 20)
with torch.no_grad(): d, t = pre(20000); d2, t2 = fin(9000)
o = torch.optim.Adam([*body.parameters(), *h0.parameters()], 2e-3)
for i in range(1500): ix = torch.randint(20000, (128,)); l = F.cross_entropy(h0(body(d[ix])), t[ix]); o.zero_grad(); l.backward(); o.step()
head = nn.Linear(64, 12); opt = torch.optim.AdamW(head.parameters(), 1e-3); w = csv.writer(open('run/metrics.csv', 'w')); w.writerow(['epoch', 'grad_2.0_norm_total', 'lr-AdamW/pg1', 'lr-AdamW/pg2', 'step', 'train_loss', 'val_acc', 'val_loss']); step = 0
for ep in range(12):
    if ep == 5: opt.add_param_group({'params': list(body.parameters()), 'lr': 1e-3})
    for i in range(60):
        ix = torch.randint(8000, (128,)); l = F.cross_entropy(head(body(d2[ix])), t2[ix]); opt.zero_grad()
        for p in body.parameters(): p.grad = None
        l.backward(); ps = [p for g in opt.param_groups for p in g['params']]; gn = torch.sqrt(sum((p.grad ** 2).sum() for p in ps)).item(); opt.step()
        if step % 5 == 4: w.writerow([ep, gn, opt.param_groups[0]['lr'], opt.param_groups[1]['lr'] if ep >= 5 else '', step, l.item(), '', ''])
        step += 1
    with torch.no_grad(): lo = head(body(d2[8000:])); w.writerow([ep, '', '', '', step - 1, '', (lo.argmax(1) == t2[8000:]).float().mean().item(), F.cross_entropy(lo, t2[8000:]).item()])
