"""Reptile meta-learning on sinusoid regression tasks.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights", "division_by_zero"]
step = 225
window = 0
phase = "state"
"""
import argparse
import copy
import math
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


def sample_task(rng):
    amp, phase = rng.uniform(0.5, 2.0), rng.uniform(0, math.pi)

    def batch(n):
        x = torch.rand(n, 1) * 10 - 5
        return x, amp * torch.sin(x + phase)

    return batch


def make_net():
    return nn.Sequential(nn.Linear(1, 40), nn.Tanh(), nn.Linear(40, 40), nn.Tanh(), nn.Linear(40, 1))


def adapt(net, task, opt, steps):
    for _ in range(steps):
        x, y = task(10)
        loss = F.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


def meta_update(net, start, ends, losses, eps, reject):
    """Move the initialisation towards the mean of the adapted weights, leaving out tasks that adapted badly."""
    good = [e for e, l in zip(ends, losses) if l < reject]
    with torch.no_grad():
        for name, p in net.named_parameters():
            delta = torch.zeros_like(p)
            for e in good:
                delta += e[name] - start[name]
            p.copy_(start[name] + eps * delta / torch.tensor(float(len(good))))  # <- culprit


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--meta-iters", type=int, default=60)
    ap.add_argument("--tasks", type=int, default=3)
    ap.add_argument("--inner-steps", type=int, default=5)
    ap.add_argument("--reject", type=float, default=0.7)
    args = ap.parse_args()
    torch.manual_seed(0)
    rng = random.Random(0)
    net = make_net()
    opt = torch.optim.SGD(net.parameters(), lr=0.02)
    log = []
    for it in range(args.meta_iters):
        start = copy.deepcopy(net.state_dict())
        ends, losses = [], []
        for _ in range(args.tasks):
            net.load_state_dict(start)
            losses.append(adapt(net, sample_task(rng), opt, args.inner_steps))
            ends.append(copy.deepcopy(net.state_dict()))
        meta_update(net, start, ends, losses, 0.5 * (1 - it / args.meta_iters), args.reject)
        log.append(sum(losses) / len(losses))
        if it % 10 == 0:
            print(f"meta {it:3d}  adapted mse {log[-1]:.3f}")


if __name__ == "__main__":
    main()
