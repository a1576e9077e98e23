"""Resume does not restore the Adagrad accumulators (optimizer state lost); full-length steps
wreck the model.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 376
window = 2
"""
"""Keyword spotting on filterbank features. The cluster kills jobs after a time slot, so the job restarts from its checkpoint."""
import argparse
import logging
import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
logging.basicConfig(level=logging.INFO, format="%(name)s | %(message)s")


def fbank(n, seed, words=12, frames=20, bins=16):
    g = np.random.default_rng(1000)
    proto = g.normal(size=(words, frames, bins))
    for _ in range(2):
        proto = (proto + np.roll(proto, 1, 1) + np.roll(proto, 1, 2)) / 1.7
    r = np.random.default_rng(seed)
    y = r.integers(0, words, n)
    shift = r.integers(-2, 3, n)
    x = np.stack([np.roll(proto[c], s, 0) for c, s in zip(y, shift)]) + r.normal(0, 3.0, (n, frames, bins))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


class KWS(nn.Module):
    def __init__(self, words=12):
        super().__init__()
        self.c1 = nn.Conv1d(16, 48, 5, padding=2)
        self.c2 = nn.Conv1d(48, 48, 5, padding=2)
        self.fc1 = nn.Linear(48 * 5, 96)
        self.fc2 = nn.Linear(96, words)

    def forward(self, x):
        x = F.max_pool1d(F.relu(self.c1(x.transpose(1, 2))), 2)
        x = F.max_pool1d(F.relu(self.c2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Job:
    def __init__(self, args):
        self.log = logging.getLogger("kws")
        self.args = args
        self.model = KWS()
        self.opt = torch.optim.Adagrad(self.model.parameters(), lr=args.lr)
        self.epoch = 0
        if os.path.exists(args.ckpt):
            self.load()

    def save(self):
        torch.save({"model": self.model.state_dict(), "optimizer": self.opt.state_dict(), "epoch": self.epoch}, self.args.ckpt)

    def load(self):
        ck = torch.load(self.args.ckpt, weights_only=True)
        self.model.load_state_dict(ck["model"])
        self.epoch = ck["epoch"]
        self.log.info("resumed at epoch %d", self.epoch)

    def set_lr(self, update):
        for g in self.opt.param_groups:
            g["lr"] = self.args.lr * min(1.0, (update + 1) / self.args.warmup)

    def run(self, data, stop):
        xtr, ytr, xte, yte = data
        while self.epoch < stop:
            gen = torch.Generator().manual_seed(self.epoch)
            order, total = torch.randperm(len(ytr), generator=gen).split(64), 0.0
            for k, i in enumerate(order):
                self.set_lr(self.epoch * len(order) + k)
                loss = F.cross_entropy(self.model(xtr[i]), ytr[i])
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                total += loss.item()
            with torch.no_grad():
                acc = (self.model(xte).argmax(1) == yte).float().mean()
            self.epoch += 1
            self.log.info("epoch %2d train %.4f acc %.3f", self.epoch, total / len(order), acc)
            self.save()


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--lr", type=float, default=0.08)
    p.add_argument("--warmup", type=int, default=200)
    p.add_argument("--epochs", type=int, default=11)
    p.add_argument("--slot", type=int, default=8)
    p.add_argument("--ckpt", default=os.path.join(tempfile.mkdtemp(), "kws.pt"))
    args = p.parse_args()
    torch.manual_seed(6)
    data = (*fbank(3000, 1), *fbank(800, 2))
    Job(args).run(data, args.slot)
    Job(args).run(data, args.epochs)
