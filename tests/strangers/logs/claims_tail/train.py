# claim amounts in dollars (lognormal, heavy tail), mse, gradients clipped by norm
import torch, torch.nn as nn, json
torch.manual_seed(4); torch.set_num_threads(1)
n = 20000; X = torch.randn(n, 12); mean = 4000 * torch.exp(.5 * X[:, :1] + .3 * torch.tanh(X[:, 1:2])); Y = mean * torch.exp(1.3 * torch.randn(n, 1) - .85)
net = nn.Sequential(nn.Linear(12, 64), nn.GELU(), nn.Linear(64, 1)); opt = torch.optim.AdamW(net.parameters(), 2e-3); f = open('run/log.jsonl', 'w')
for step in range(1, 3001):
    ix = torch.randint(n, (64,)); pred = torch.nn.functional.softplus(net(X[ix])) * 1000; l = ((pred - Y[ix]) ** 2).mean(); opt.zero_grad(); l.backward(); g = nn.utils.clip_grad_norm_(net.parameters(), 1e6); opt.step()
    if step % 3 == 0: f.write(json.dumps({"step": step, "mse": l.item(), "grad_norm": g.item(), "lr": 2e-3}) + "\n")
with torch.no_grad(): pr = torch.nn.functional.softplus(net(X)) * 1000; print('corr with true mean', torch.corrcoef(torch.stack([pr[:, 0], mean[:, 0]]))[0, 1].item(), pr.mean().item(), Y.mean().item(), 'mse vs mean', ((pr-mean)**2).mean().item(), mean.var().item())
