"""Running-norm buffers are also updated in evaluation; NaN readings in the validation set poison
them.

[truth]
family = "corrupted_state"
causes = ["poisoned_buffers"]
step = 90
window = 1
"""
import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class RunningNorm(nn.Module):
    """Per-channel standardisation with statistics collected on the fly."""

    def __init__(self, channels, momentum=0.05):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def forward(self, x):
        with torch.no_grad():
            self.mean.lerp_(x.mean((0, 1)), self.momentum)
            self.var.lerp_(x.var((0, 1)), self.momentum)
        return (x - self.mean) / (self.var + 1e-5).sqrt()

    def inverse(self, y):
        return y * (self.var + 1e-5).sqrt() + self.mean


class Forecaster(nn.Module):
    def __init__(self, channels, hidden, horizon):
        super().__init__()
        self.norm = RunningNorm(channels)
        self.rnn = nn.LSTM(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, channels * horizon)
        self.horizon = horizon

    def forward(self, x):
        h, _ = self.rnn(self.norm(x))
        y = self.head(h[:, -1]).view(len(x), self.horizon, -1)
        return self.norm.inverse(y)


def build(seed):
    g = torch.Generator().manual_seed(seed)
    t = torch.arange(3000.0)
    base = torch.tensor([15.0, 1013.0, 60.0])
    amp = torch.tensor([8.0, 6.0, 20.0])
    ph = torch.rand(3, generator=g) * 6.28
    s = base + amp * torch.sin(2 * torch.pi * t[:, None] / 24 + ph) + 0.1 * amp * torch.randn(3000, 3, generator=g)
    s[2710:2716, 2] = float("nan")
    win = s.unfold(0, 30, 1).transpose(1, 2)
    x, y = win[:, :24], win[:, 24:]
    return TensorDataset(x[:2400], y[:2400]), TensorDataset(x[2430:], y[2430:])


def evaluate(model, loader):
    model.eval()
    err = []
    with torch.no_grad():
        for x, y in loader:
            err.append((model(x) - y).abs().mean((1, 2)))
    model.train()
    return torch.cat(err).nanmean().item()


def main(a):
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    tr, va = build(0)
    tr, va = DataLoader(tr, a.bs, shuffle=True), DataLoader(va, 128)
    model = Forecaster(3, 32, 6)
    opt = torch.optim.Adam(model.parameters(), lr=a.lr)
    step = 0
    for ep in range(a.epochs):
        for x, y in tr:
            loss = ((model(x) - y) / torch.tensor([8.0, 6.0, 20.0])).abs().mean()
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            step += 1
            if step % 20 == 0:
                print("step", step, "loss", round(loss.item(), 4))
            if step % a.eval_every == 0:
                print("step", step, "val mae", round(evaluate(model, va), 4))


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--bs", type=int, default=64)
    p.add_argument("--lr", type=float, default=4e-3)
    p.add_argument("--epochs", type=int, default=8)
    p.add_argument("--eval-every", type=int, default=90)
    p.add_argument("--seed", type=int, default=1)
    main(p.parse_args())
