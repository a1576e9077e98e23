# price model, plain file order (DataLoader without shuffle), log price targets
import torch, torch.nn as nn, csv
torch.manual_seed(7); torch.set_num_threads(1)
n = 6400; X = torch.randn(n, 20); Y = (X @ (torch.randn(20, 1) * .25) + .3 * torch.sin(2 * X[:, :1]) + .15 * torch.randn(n, 1)) + 12.2
Y[3517] = 1.36e5 ** 1.0 / 100      # one row was never log-transformed (price in hundreds)
net = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)); net[-1].bias.data.fill_(12.2)
opt = torch.optim.Adam(net.parameters(), 1e-3); w = csv.writer(open('run/history.csv', 'w')); w.writerow(['iteration', 'loss']); it = 0
for ep in range(12):
    for k in range(0, n, 64):
        loss = nn.functional.mse_loss(net(X[k:k+64]), Y[k:k+64]); opt.zero_grad(); loss.backward(); opt.step()
        w.writerow([it, f"{loss.item():.6f}"]); it += 1
