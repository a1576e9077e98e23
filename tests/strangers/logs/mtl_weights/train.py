# two regressions + one classification with learned log-variances (Kendall et al.)
import torch, torch.nn as nn, torch.nn.functional as F, json
torch.manual_seed(8); torch.set_num_threads(1)
n = 8000; X = torch.randn(n, 16); A = torch.randn(16, 3) / 4; y1 = torch.sin(X @ A[:, :1]) * .2 + .02 * torch.randn(n, 1); y2 = (X @ A[:, 1:2]).tanh() * .1 + .01 * torch.randn(n, 1); y3 = ((X @ A[:, 2:])[:, 0] + .3 * torch.randn(n) > 0).float()
b = nn.Sequential(nn.Linear(16, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 3)); s = nn.Parameter(torch.zeros(3)); opt = torch.optim.Adam([{'params': b.parameters()}, {'params': [s]}], 1e-3); f = open('run/train.jsonl', 'w')
sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 6000)
for st in range(6000):
    ix = torch.randint(n, (128,)); o = b(X[ix]); L = torch.stack([F.mse_loss(o[:, :1], y1[ix]), F.mse_loss(o[:, 1:2], y2[ix]), F.binary_cross_entropy_with_logits(o[:, 2], y3[ix])]); l = (.5 * (-s).exp() * L + .5 * s).sum(); opt.zero_grad(); l.backward(); opt.step(); sch.step()
    if st % 10 == 0: f.write(json.dumps({"step": st, "loss": round(l.item(), 5), "lr": sch.get_last_lr()[0], "depth": round(L[0].item(), 7), "normal": round(L[1].item(), 7), "seg": round(L[2].item(), 5)}) + "\n")
