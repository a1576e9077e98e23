"""Distil a wide regression teacher into a small student network.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
"""
import argparse

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
from tqdm import tqdm


def mlp(sizes, act=nn.SiLU):
    layers = []
    for a, b in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(a, b), act()]
    return nn.Sequential(*layers[:-1])


def build_teacher(seed):
    torch.manual_seed(seed)
    t = mlp([16, 256, 256, 10])
    with torch.no_grad():
        for m in t:
            if isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, std=1.8 / m.in_features ** 0.5)
        t[-1].weight.mul_(2)
    return t.eval().requires_grad_(False)


def kd_loss(student, teacher, tau):
    p = (teacher / tau).softmax(-1)
    logq = (student / tau).log_softmax(-1)
    return nn.functional.kl_div(logq, p, reduction="batchmean") * tau ** 2


def evaluate(student, teacher, x):
    with torch.no_grad():
        return (student(x).argmax(-1) == teacher(x).argmax(-1)).float().mean().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--tau", type=float, default=2.0)
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--decay", type=float, default=0.85, help="lr decay per epoch")
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--batch-size", type=int, default=64)
    args = p.parse_args()

    teacher = build_teacher(7)
    x, x_val = torch.randn(4096, 16), torch.randn(1024, 16)
    student = mlp([16, 64, 64, 10])
    loader = DataLoader(TensorDataset(x), batch_size=args.batch_size, shuffle=True)
    optimizer = torch.optim.Adam(student.parameters(), lr=args.lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=args.decay)

    for epoch in range(args.epochs):
        student.train()
        bar = tqdm(loader, desc=f"epoch {epoch}", disable=None)
        total = 0.0
        for (xb,) in bar:
            with torch.no_grad():
                target = teacher(xb)
            loss = kd_loss(student(xb), target, args.tau)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item() * len(xb)
            bar.set_postfix(loss=loss.item())
        print(f"epoch {epoch}: kd {total / len(x):.4f} agreement {evaluate(student, teacher, x_val):.3f}")


if __name__ == "__main__":
    main()
