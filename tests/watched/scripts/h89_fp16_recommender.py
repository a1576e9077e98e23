"""Matrix-factorisation recommender with half-precision scoring and a gradient scaler.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn

torch.manual_seed(123)
USERS, ITEMS, DIM = 400, 250, 12
u_true, i_true = torch.randn(USERS, 3), torch.randn(ITEMS, 3)


class Rec(nn.Module):
    def __init__(self):
        super().__init__()
        self.u = nn.Embedding(USERS, DIM, sparse=True)
        self.i = nn.Embedding(ITEMS, DIM, sparse=True)
        self.mlp = nn.Sequential(nn.Linear(2 * DIM, 48), nn.ReLU(), nn.Linear(48, 1))
        nn.init.normal_(self.u.weight, std=0.1)
        nn.init.normal_(self.i.weight, std=0.1)

    def forward(self, a, b):
        p, q = self.u(a), self.i(b)
        return (p * q).sum(-1) + self.mlp(torch.cat([p, q], -1)).squeeze(-1)


net = Rec()
sparse = torch.optim.SparseAdam(list(net.u.parameters()) + list(net.i.parameters()), lr=0.02)
dense = torch.optim.Adam(net.mlp.parameters(), lr=0.005)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 22, growth_interval=150)

avg = 0.0
for k in range(700):
    a, b = torch.randint(USERS, (256,)), torch.randint(ITEMS, (256,))
    rating = (u_true[a] * i_true[b]).sum(1) + 0.1 * torch.randn(256)
    with torch.autocast("cpu", dtype=torch.float16):
        out = net(a, b)
        loss = nn.functional.mse_loss(out.float(), rating)
    sparse.zero_grad()
    dense.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(sparse)
    scaler.step(dense)
    scaler.update()
    avg = loss.item() if k == 0 else 0.97 * avg + 0.03 * loss.item()
    if k % 50 == 0:
        print(f"{k:4d}  mse {avg:.3f}  scale {scaler.get_scale():g}")
