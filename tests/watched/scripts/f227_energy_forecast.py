"""The LambdaLR warm-up (it + 1) / 40 has no min(1, .), so lr rises linearly past its peak 0.1 up
to 0.61 at step 243.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
step = 238
window = 6
"""
#!/usr/bin/env python
# Day-ahead load forecasting for one substation, dilated causal convs.
import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)

CONFIG = dict(
    hist=72, horizon=24, batch_size=32, channels=24,
    base_lr=0.1, momentum=0.9, warmup_iters=40, epochs=6, seed=3,
)


def synth_load(n_hours, rng):
    t = np.arange(n_hours)
    daily = 1.0 + 0.35 * np.sin(2 * np.pi * (t - 7) / 24) + 0.12 * np.sin(4 * np.pi * t / 24)
    weekly = np.where((t // 24) % 7 >= 5, 0.8, 1.0)
    temp = 10 + 8 * np.sin(2 * np.pi * t / (24 * 365)) + rng.normal(0, 1.0, n_hours)
    load = 420 * daily * weekly + 4.0 * np.abs(temp - 17) + rng.normal(0, 9, n_hours)
    return load.astype(np.float32)


class WindowDataset(Dataset):
    def __init__(self, series, hist, horizon, stride=3):
        self.s = torch.from_numpy((series - series.mean()) / series.std())
        self.hist, self.horizon = hist, horizon
        self.starts = list(range(0, len(series) - hist - horizon, stride))

    def __len__(self):
        return len(self.starts)

    def __getitem__(self, i):
        a = self.starts[i]
        b = a + self.hist
        return self.s[a:b].unsqueeze(0), self.s[b:b + self.horizon]


class CausalBlock(nn.Module):
    def __init__(self, c, dilation):
        super().__init__()
        self.pad = nn.ConstantPad1d((2 * dilation, 0), 0.0)
        self.conv = nn.Conv1d(c, c, 3, dilation=dilation)
        self.mix = nn.Conv1d(c, c, 1)

    def forward(self, x):
        return x + self.mix(torch.relu(self.conv(self.pad(x))))


class TCN(nn.Module):
    def __init__(self, c, horizon):
        super().__init__()
        self.stem = nn.Conv1d(1, c, 1)
        self.blocks = nn.Sequential(*[CausalBlock(c, d) for d in (1, 2, 4, 8, 16)])
        self.head = nn.Linear(c, horizon)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x))[..., -1])


def build(cfg):
    rng = np.random.default_rng(cfg["seed"])
    ds = WindowDataset(synth_load(24 * 200, rng), cfg["hist"], cfg["horizon"])
    dl = DataLoader(ds, batch_size=cfg["batch_size"], shuffle=True, drop_last=True)
    model = TCN(cfg["channels"], cfg["horizon"])
    opt = torch.optim.SGD(model.parameters(), lr=cfg["base_lr"], momentum=cfg["momentum"], nesterov=True)
    # linear warm-up, per iteration
    sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda it: (it + 1) / cfg["warmup_iters"])
    return model, dl, opt, sched


def main(cfg):
    torch.manual_seed(cfg["seed"])
    model, dl, opt, sched = build(cfg)
    for epoch in range(cfg["epochs"]):
        losses = []
        for x, y in dl:
            opt.zero_grad(set_to_none=True)
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            opt.step()
            sched.step()
            losses.append(loss.item())
        print(f"epoch {epoch:02d} | train mse {np.mean(losses):.4f} | last {losses[-1]:.4f}")


if __name__ == "__main__":
    main(CONFIG)
