"""Trains a factorization-machine click model on synthetic impressions, interrupted and resumed from a checkpoint.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 901
window = 2
"""
import io

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
FIELDS, CARD, DIM = 6, 50, 8


def make_log(n=40000, seed=5):
    rs = np.random.RandomState(seed)
    # item popularity is long-tailed, as always
    x = np.minimum((rs.exponential(0.15, size=(n, FIELDS)) * CARD).astype(int), CARD - 1)
    bias = rs.randn(FIELDS, CARD) * 0.6
    lat = rs.randn(FIELDS, CARD, 3) * 0.6
    e = np.stack([lat[f, x[:, f]] for f in range(FIELDS)], 1)
    inter = 0.5 * (e.sum(1) ** 2 - (e ** 2).sum(1)).sum(-1)
    logit = sum(bias[f, x[:, f]] for f in range(FIELDS)) + 0.5 * inter - 0.5
    y = rs.rand(n) < 1 / (1 + np.exp(-logit))
    return torch.as_tensor(x), torch.as_tensor(y, dtype=torch.float32)


class FM(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Embedding(FIELDS * CARD, 1)
        self.v = nn.Embedding(FIELDS * CARD, DIM)
        self.b = nn.Parameter(torch.zeros(()))
        nn.init.zeros_(self.w.weight)
        nn.init.normal_(self.v.weight, std=0.05)
        self.register_buffer("off", torch.arange(FIELDS) * CARD)

    def forward(self, x):
        x = x + self.off
        v = self.v(x)
        pair = 0.5 * (v.sum(1).pow(2) - v.pow(2).sum(1)).sum(-1)
        return self.b + self.w(x).sum((1, 2)) + pair


class Job:
    """One training job on the (preemptible) queue."""

    def __init__(self, data, checkpoint=None):
        self.X, self.Y = data
        torch.manual_seed(17)
        self.model = FM()
        self.opt = torch.optim.Adagrad(self.model.parameters(), lr=0.5)
        self.step = 0
        self.ema = None
        if checkpoint is not None:
            ck = torch.load(io.BytesIO(checkpoint))
            self.model.load_state_dict(ck["model"])
            self.step = ck["step"]
            print(f"resumed at step {self.step}")

    def save(self):
        buf = io.BytesIO()
        torch.save({"model": self.model.state_dict(), "step": self.step}, buf)
        return buf.getvalue()

    def run(self, until, bs=512):
        while self.step < until:
            g = torch.Generator().manual_seed(self.step)      # same batch for the same step, whoever runs it
            idx = torch.randint(0, 36000, (bs,), generator=g)
            loss = F.binary_cross_entropy_with_logits(self.model(self.X[idx]), self.Y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.ema = loss.item() if self.ema is None else 0.95 * self.ema + 0.05 * loss.item()
            if self.step % 100 == 0:
                print(f"step {self.step} logloss {self.ema:.4f} holdout {self.holdout():.4f}")
            self.step += 1

    @torch.no_grad()
    def holdout(self):
        return F.binary_cross_entropy_with_logits(self.model(self.X[36000:]), self.Y[36000:]).item()


if __name__ == "__main__":
    data = make_log()
    job = Job(data)
    job.run(until=900)
    ckpt = job.save()
    del job
    job = Job(data, checkpoint=ckpt)
    job.run(until=1500)
    print("final holdout", round(job.holdout(), 4))
