"""Trains a recurrent mixture density network on pen strokes, chunk by chunk.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "overflow_or_log_of_zero"]
step = 59
phase = "loss"
"""
import math

import numpy as np
import torch
import torch.nn as nn

torch.manual_seed(3)
rng = np.random.default_rng(3)

# 32 writers, every one draws 1600 pen offsets: little curls with a jump between words
T, W, CHUNK, K = 1600, 32, 20, 4
phase = rng.uniform(0, 2 * np.pi, (W, 1)) + np.cumsum(rng.normal(0.35, 0.05, (W, T)), 1)
moves = np.stack([np.cos(phase), np.sin(phase)], -1) + rng.normal(0, 0.08, (W, T, 2))
lift = rng.random((W, T)) < 0.00006
moves[lift] += np.stack([5 + rng.gamma(4.0, 0.7, lift.sum()), rng.normal(0, 0.5, lift.sum())], -1)
moves = torch.tensor(moves, dtype=torch.float32)

rnn = nn.GRU(2, 48, batch_first=True)
head = nn.Linear(48, K * 5)
params = list(rnn.parameters()) + list(head.parameters())
opt = torch.optim.Adam(params, lr=4e-3)

step = 0
for epoch in range(2):
    h = None
    for t0 in range(0, T - CHUNK - 1, CHUNK):
        x = moves[:, t0:t0 + CHUNK]
        y = moves[:, t0 + 1:t0 + CHUNK + 1]
        out, h = rnn(x, h)
        h = h.detach()
        mix, mu, log_s = torch.split(head(out), [K, 2 * K, 2 * K], -1)
        mu = mu.view(*mu.shape[:2], K, 2)
        s = log_s.view_as(mu).clamp(-4, 4).exp()
        z = (y.unsqueeze(2) - mu) / s
        comp = torch.exp(-0.5 * (z ** 2).sum(-1)) / (2 * math.pi * s.prod(-1))
        nll = -torch.log((mix.softmax(-1) * comp).sum(-1))  # <- culprit
        loss = nll.mean()
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(params, 5.0)
        opt.step()
        if step % 20 == 0:
            print(f"epoch {epoch} step {step} nll {loss.item():.3f}")
        step += 1
