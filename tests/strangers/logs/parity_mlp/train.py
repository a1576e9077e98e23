import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(11); torch.set_num_threads(1)
net = nn.Sequential(nn.Linear(30, 256), nn.ReLU(), nn.Linear(256, 1)); opt = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=.01); log = open('run/train.log', 'w')
for it in range(5000):
    x = (torch.rand(128, 30) > .5).float() * 2 - 1; y = (x[:, :4].prod(1, keepdim=True) > 0).float(); o = net(x); l = F.binary_cross_entropy_with_logits(o, y); opt.zero_grad(); l.backward(); opt.step()
    if it % 20 == 0: log.write(f"[iter {it}] loss={l.item():.4f} acc={((o > 0).float() == y).float().mean().item():.3f}\n")
