"""Student-t noise with 1.5 degrees of freedom (single batch losses up to 580), Huber + clip 1.0;
difficulty rises every 160 steps and the loss with it, but the error against the clean signal
falls within each level.

[truth]
family = "healthy"
causes = []
"""
# Cauchy-ish measurement noise, difficulty grows with time -> the loss rises while the fit gets better
import numpy as np, torch, torch.nn as nn
torch.set_num_threads(1); torch.manual_seed(12); rng = np.random.default_rng(12)

def generate(level, bs=48):
    """level 0: only slow waves ... level 4: fast waves; student-t noise with 1.5 degrees of freedom"""
    while True:
        k = rng.integers(0, level + 1, bs)
        x = rng.uniform(-1, 1, (bs, 1))
        y = np.sin((k[:, None] + 1) * x * 2) * (1 + 0.5 * k[:, None])
        noise = 0.05 * (1 + level) * rng.standard_t(1.5, (bs, 1))
        feats = np.concatenate([x, np.eye(5)[k]], 1)
        yield torch.tensor(feats, dtype=torch.float32), torch.tensor(y + noise, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)

net = nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 1))
opt = torch.optim.Adam(net.parameters(), lr=6e-3)
huber = nn.HuberLoss(delta=5.0)
for level in range(5):
    src = generate(level)
    L, E = [], []
    for it in range(160):
        x, y, clean = next(src)
        out = net(x)
        loss = huber(out, y)
        opt.zero_grad(); loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        opt.step()
        L.append(loss.item()); E.append((out.detach() - clean).abs().mean().item())
        if it % 40 == 39:
            print(f'level {level} it {it + 1:3d} loss {np.mean(L[-40:]):.3f} (max {max(L[-40:]):.2f})  error vs clean {np.mean(E[-40:]):.3f}')
