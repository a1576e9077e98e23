"""One target is a 999999 sentinel (6664 after scaling), MSE gradient wrecks the weights.

[truth]
family = "bad_data"
causes = ["outlier_batch"]
step = 41
window = 1
samples = [2187]
"""
import argparse

import numpy as np
import torch
import torch.nn as nn
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset


class Housing(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        area = rng.lognormal(4.6, 0.4, n)
        rooms = np.clip(np.round(area / 28 + rng.normal(0, 0.7, n)), 1, 9)
        age = rng.uniform(0, 90, n)
        dist = rng.gamma(2.0, 4.0, n)
        price = 2.9 * area + 15 * rooms - 0.8 * age - 5 * dist + rng.normal(0, 25, n) + 60
        price[2187] = 999999.0
        x = np.stack([area, rooms, age, dist], 1)
        self.x = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)
        self.y = torch.tensor((price - np.median(price)) / 150.0, dtype=torch.float32)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i]


def get_model(width):
    return nn.Sequential(nn.Linear(4, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))


def run(args):
    acc = Accelerator(cpu=True, gradient_accumulation_steps=args.accum)
    torch.manual_seed(args.seed)
    model = get_model(args.width)
    opt = torch.optim.SGD(model.parameters(), lr=args.lr, momentum=0.9)
    dl = DataLoader(Housing(3000, 4), batch_size=args.batch, shuffle=True)
    model, opt, dl = acc.prepare(model, opt, dl)
    for ep in range(args.epochs):
        total = 0.0
        for x, y in dl:
            with acc.accumulate(model):
                loss = nn.functional.mse_loss(model(x).squeeze(-1), y)
                acc.backward(loss)
                opt.step()
                opt.zero_grad()
            total += loss.item()
        acc.print(f"[{ep}] mse {total / len(dl):.5f}")


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=0.02)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--accum", type=int, default=2)
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--width", type=int, default=48)
    ap.add_argument("--seed", type=int, default=3)
    torch.set_num_threads(1)
    run(ap.parse_args())
