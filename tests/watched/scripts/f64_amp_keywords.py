"""Spots keywords; log probabilities are taken inside the autocast block.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "half_precision_underflow"]
step = 13
window = 0
phase = "loss"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPS = 1e-8


def make_set(n=900):
    y = torch.randint(0, 6, (n,))
    proto = 2.0 * torch.randn(6, 14)
    return TensorDataset(proto[y] + 0.6 * torch.randn(n, 14), y)


def step_loss(model, x, y):
    with torch.autocast(device_type="cpu", dtype=torch.float16):
        p = model(x).sigmoid()
        hot = nn.functional.one_hot(y, 6).to(p.dtype)
        hit = hot * torch.log(p + EPS)
        miss = (1 - hot) * torch.log((1 - p) + EPS)  # <- culprit
        return -(hit + miss).sum(1).mean()


def main():
    torch.manual_seed(37)
    data = make_set()
    model = nn.Sequential(nn.Linear(14, 48), nn.ReLU(), nn.Linear(48, 6))
    opt = torch.optim.Adam(model.parameters(), lr=2e-2)
    scaler = torch.amp.GradScaler("cpu", init_scale=64.0)
    count = 0
    for epoch in range(4):
        for x, y in DataLoader(data, batch_size=30, shuffle=True):
            loss = step_loss(model, x, y)
            opt.zero_grad()
            scaler.scale(loss).backward()
            scaler.unscale_(opt)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            scaler.step(opt)
            scaler.update()
            count += 1
            if count % 15 == 0:
                print(count, f"{loss.item():.4f}")


main()
