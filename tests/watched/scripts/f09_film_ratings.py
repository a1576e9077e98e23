"""Factorises a table of film ratings, batches drawn by numpy.

[truth]
family = "bad_data"
causes = ["nonfinite_target"]
step = 3
window = 0
phase = "target"
samples = [1290]
"""
import argparse

import numpy as np
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--dim", type=int, default=8)
parser.add_argument("--lr", type=float, default=0.05)
parser.add_argument("--steps", type=int, default=120)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--seed", type=int, default=4)


class MF(nn.Module):
    def __init__(self, users, films, dim):
        super().__init__()
        self.u = nn.Embedding(users, dim)
        self.f = nn.Embedding(films, dim)
        self.bias = nn.Parameter(torch.tensor(3.0))
        nn.init.normal_(self.u.weight, std=0.1)
        nn.init.normal_(self.f.weight, std=0.1)

    def forward(self, users, films):
        return (self.u(users) * self.f(films)).sum(-1) + self.bias


def load(rng):
    users = rng.integers(0, 100, 3000)
    films = rng.integers(0, 60, 3000)
    taste = rng.normal(size=(100, 60)) * 0.5
    stars = np.clip(np.round(3 + taste[users, films]), 1, 5).astype(np.float32)
    stars[1290] = np.genfromtxt(["n/a"])
    return users, films, stars


def main():
    args = parser.parse_args([])
    rng = np.random.default_rng(args.seed)
    torch.manual_seed(args.seed)
    users, films, stars = load(rng)
    model = MF(100, 60, args.dim)
    opt = torch.optim.Adagrad(model.parameters(), lr=args.lr)
    for step in range(args.steps):
        pick = rng.choice(len(stars), size=args.batch_size, replace=False)
        u, f = torch.from_numpy(users[pick]), torch.from_numpy(films[pick])
        target = torch.from_numpy(stars[pick])
        opt.zero_grad()
        pred = model(u, f)
        loss = nn.functional.mse_loss(pred, target)  # <- culprit
        loss.backward()
        opt.step()
        if step % 20 == 0:
            print("step %d  rmse %.4f" % (step, loss.item() ** 0.5))


if __name__ == "__main__":
    main()
