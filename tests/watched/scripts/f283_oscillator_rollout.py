"""Clip_grad_norm_ called before backward (clips nothing, grads were zeroed); gradient of the
recurrent rollout grows with its horizon and blows up when T becomes 16.

[truth]
family = "exploding_gradients"
causes = ["misplaced_clipping", "recurrent_growth"]
step = 480
window = 10
"""
import torch, torch.nn as nn
torch.set_num_threads(1); torch.manual_seed(7)

# learn the propagator of 4 weakly coupled oscillators from noisy tracks; rollout horizon is doubled now and then
K = torch.diag(torch.tensor([1.0, 1.7, 2.3, 3.1])) + 0.15 * torch.ones(4, 4)

def tracks(B, T, dt=0.1):
    q, p = torch.randn(B, 4), torch.randn(B, 4)
    out = []
    for _ in range(T + 1):
        out.append(torch.cat([q, p], -1))
        p = p - dt * q @ K
        q = q + dt * p
    return torch.stack(out)

class Cell(nn.Module):
    def __init__(self, n=8, h=48):
        super().__init__()
        self.a = nn.Linear(n, h)
        self.b = nn.Linear(h, n)
    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))

def rollout(cell, x0, T):
    xs, x = [], x0
    for _ in range(T):
        x = cell(x)
        xs.append(x)
    return torch.stack(xs)

cell = Cell()
opt = torch.optim.SGD(cell.parameters(), lr=0.03, momentum=0.9)
avg = None
for it in range(700):
    T = 2 * 2 ** (it // 160)
    z = tracks(64, T)
    pred = rollout(cell, z[0] + 0.01 * torch.randn_like(z[0]), T)
    loss = (pred - z[1:]).pow(2).mean()
    opt.zero_grad()
    torch.nn.utils.clip_grad_norm_(cell.parameters(), 0.5)
    loss.backward()
    opt.step()
    avg = loss.item() if avg is None else 0.9 * avg + 0.1 * loss.item()
    if it % 40 == 0:
        print("it %d T %d loss %.5f" % (it, T, avg))
