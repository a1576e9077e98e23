"""Fp16 softmax by hand on unnormalised embeddings underflows to 0, log(0).

[truth]
family = "unstable_loss"
causes = ["half_precision_overflow", "log_of_zero", "half_precision_underflow"]
step = 45
phase = "loss"
"""
import argparse
import torch
import torch.nn as nn

# contrastive pre-training on 1-d signals (similarity matrix in half precision, the real batch is 8192)


def signals(n, g):
    kind = torch.randint(0, 8, (n,), generator=g)
    t = torch.linspace(0, 1, 64)
    f = 2 + kind.float()[:, None]
    return torch.sin(2 * torch.pi * (f * t + torch.rand(n, 1, generator=g))), kind


def augment(x):
    x = x * (0.7 + 0.6 * torch.rand(len(x), 1)) + 0.1 * torch.randn_like(x)
    return torch.roll(x, int(torch.randint(-6, 7, (1,))), dims=1)


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(1, 16, 7, 2, 3), nn.ReLU(), nn.Conv1d(16, 32, 5, 2, 2), nn.ReLU(),
                                  nn.AdaptiveAvgPool1d(4), nn.Flatten())
        self.proj = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, dim))

    def forward(self, x):
        return self.proj(self.conv(x[:, None]))


class InfoNCE(nn.Module):
    def __init__(self, tau):
        super().__init__()
        self.tau = tau

    def forward(self, a, b):
        sim = (a.half() @ b.half().t()) / self.tau
        e = torch.exp(sim)
        pos = e.diagonal()
        return -torch.log(pos / e.sum(1)).float().mean()  # <- culprit


class Trainer:
    def __init__(self, opt):
        self.o = opt
        self.enc = Encoder(opt.dim)
        self.crit = InfoNCE(opt.tau)
        self.optim = torch.optim.Adam(self.enc.parameters(), lr=opt.lr, weight_decay=1e-5)
        self.x, _ = signals(2048, torch.Generator().manual_seed(0))

    def train(self):
        it = 0
        for ep in range(self.o.epochs):
            for idx in torch.randperm(len(self.x)).split(self.o.bs):
                x = self.x[idx]
                loss = self.crit(self.enc(augment(x)), self.enc(augment(x)))
                self.optim.zero_grad()
                loss.backward()
                self.optim.step()
                it += 1
            print(f"epoch {ep} it {it} loss {loss.item():.4f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--dim", type=int, default=32)
    ap.add_argument("--tau", type=float, default=0.2)
    ap.add_argument("--lr", type=float, default=1e-3)
    ap.add_argument("--bs", type=int, default=128)
    ap.add_argument("--epochs", type=int, default=15)
    torch.set_num_threads(1)
    torch.manual_seed(13)
    Trainer(ap.parse_args()).train()
