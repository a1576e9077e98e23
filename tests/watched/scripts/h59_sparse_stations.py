"""Trains a graph transformer to fill in weather stations that often do not report.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

N_ST = 20


class Stations(Dataset):
    """x: two station covariates and lagged reading, y: reading, nan where nothing was transmitted."""

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        pos = torch.rand(N_ST, 2, generator=torch.Generator().manual_seed(99))
        self.adj = (torch.cdist(pos, pos) < 0.28).float()
        front = torch.randn(n, 3, generator=g)
        field = front[:, :1] * pos[:, 0] + front[:, 1:2] * pos[:, 1] + front[:, 2:3] * torch.sin(5 * pos[:, 0])
        y = field + 0.1 * torch.randn(n, N_ST, generator=g)
        lag = field + 0.3 * torch.randn(n, N_ST, generator=g)
        y[torch.rand(n, N_ST, generator=g) < 0.4] = float("nan")
        lag[torch.rand(n, N_ST, generator=g) < 0.3] = float("nan")
        self.pos, self.lag, self.y = pos, lag, y

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.lag[i], self.y[i]


class GraphAttention(nn.Module):
    def __init__(self, d, heads=4):
        super().__init__()
        self.h = heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))
        self.norm = nn.LayerNorm(d)

    def forward(self, x, bias):
        B, N, D = x.shape
        z = self.norm(x)
        q, k, v = (f(z).view(B, N, self.h, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        att = q @ k.transpose(-1, -2) / (D // self.h) ** 0.5 + bias
        out = att.softmax(-1) @ v
        return x + self.o(out.transpose(1, 2).reshape(B, N, D))


class StationNet(nn.Module):
    def __init__(self, adj, pos, d=32):
        super().__init__()
        # neighbours only; -inf elsewhere (the diagonal is always connected)
        self.register_buffer("bias", adj.log())
        self.register_buffer("pos", pos)
        self.inp = nn.Linear(4, d)
        self.att = nn.ModuleList(GraphAttention(d) for _ in range(3))
        self.ff = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 64), nn.GELU(), nn.Linear(64, 1))

    def forward(self, lag):
        seen = ~torch.isnan(lag)
        feats = torch.stack([torch.nan_to_num(lag), seen.float()], -1)
        x = self.inp(torch.cat([feats, self.pos.expand(len(lag), -1, -1)], -1))
        for a in self.att:
            x = a(x, self.bias)
        return self.ff(x).squeeze(-1)


def masked_mse(pred, y):
    m = ~torch.isnan(y)
    return F.mse_loss(pred[m], y[m])


def main():
    torch.manual_seed(6)
    train, test = Stations(2400, 1), Stations(400, 2)
    dl = DataLoader(train, batch_size=32, shuffle=True)
    net = StationNet(train.adj, train.pos)
    opt = torch.optim.AdamW(net.parameters(), lr=2e-3)
    warm = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1.0, (s + 1) / 50))
    for epoch in range(6):
        for lag, y in dl:
            loss = masked_mse(net(lag), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            warm.step()
        with torch.no_grad():
            te = masked_mse(net(test.lag), test.y).item()
        print(f"epoch {epoch}: last train mse {loss.item():.4f}, test mse {te:.4f}")
    miss = torch.isnan(train.y).float().mean().item()
    print(f"({100 * miss:.0f}% of targets not transmitted)")


if __name__ == "__main__":
    main()
