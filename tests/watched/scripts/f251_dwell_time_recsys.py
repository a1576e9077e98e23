"""Target of row 4242 is in milliseconds (1.2e5 against ~2).

[truth]
family = "bad_data"
causes = ["outlier_batch"]
step = 68
among = [4242]
"""
# matrix factorisation + side tower predicting dwell time (minutes)
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader
torch.set_num_threads(1); torch.manual_seed(31)

class Visits(Dataset):
    def __init__(self, n=6000, users=200, items=300):
        g = torch.Generator().manual_seed(9)
        self.u = torch.randint(0, users, (n,), generator=g)
        self.i = torch.randint(0, items, (n,), generator=g)
        U = torch.randn(users, 4, generator=g); V = torch.randn(items, 4, generator=g)
        self.ctx = torch.randn(n, 3, generator=g)
        self.y = 2 + 0.5 * (U[self.u] * V[self.i]).sum(1) + 0.3 * self.ctx[:, 0]
        self.y = self.y + 0.1 * torch.randn(n, generator=g)
        # tracker of one client reports milliseconds
        self.y[4242] *= 60_000
    def __len__(self): return len(self.y)
    def __getitem__(self, k): return self.u[k], self.i[k], self.ctx[k], self.y[k]

class MF(nn.Module):
    def __init__(self, users=200, items=300, d=8):
        super().__init__()
        self.U = nn.Embedding(users, d); self.V = nn.Embedding(items, d)
        nn.init.normal_(self.U.weight, std=0.3); nn.init.normal_(self.V.weight, std=0.3)
        self.side = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
    def forward(self, u, i, c):
        return (self.U(u) * self.V(i)).sum(-1) + self.side(c).squeeze(-1)

if __name__ == "__main__":
    ds = Visits()
    dl = DataLoader(ds, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))
    model = MF()
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    n = 0
    for ep in range(6):
        for u, i, c, y in dl:
            loss = (model(u, i, c) - y).square().mean()
            opt.zero_grad(); loss.backward(); opt.step()
            if n % 40 == 0: print("step %4d loss %.4f" % (n, loss.item()))
            n += 1
