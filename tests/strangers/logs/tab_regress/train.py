# demand forecast, plain ReLU net, SGD with a rate found on a smaller net
import torch, torch.nn as nn, json
torch.manual_seed(23); torch.set_num_threads(1)
n = 8000; X = torch.randn(n, 24); Y = 20 + 4 * torch.tanh(X[:, :1] + X[:, 1:2] * X[:, 2:3]) + 2 * X[:, 3:4] + torch.randn(n, 1)
net = nn.Sequential(nn.Linear(24, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1))
opt = torch.optim.SGD(net.parameters(), lr=0.013, momentum=.9); f = open('run/log.jsonl', 'w')
for step in range(3000):
    ix = torch.randint(n, (64,)); out = net(X[ix]); loss = ((out - Y[ix]) ** 2).mean(); opt.zero_grad(); loss.backward(); opt.step()
    if step % 2 == 0: f.write(json.dumps({"iter": step, "train_loss": round(loss.item(), 4)}) + "\n")
    if step in (0, 1, 2, 3, 4, 5, 8, 12, 20, 30, 60, 200, 2000):
        with torch.no_grad(): h = X[:500]; r = []
        for m in net:
            h = m(h)
            if isinstance(m, nn.ReLU): r.append(round((h > 0).float().mean().item(), 3))
        print(step, loss.item(), 'alive', r, 'out std', net(X[:500]).std().item())
