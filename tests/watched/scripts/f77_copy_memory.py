"""Solves a memory task with a vanilla recurrent network and gradient clipping.

[truth]
family = "exploding_gradients"
causes = ["misplaced_clipping", "recurrent_growth", "learning_rate_too_high"]
step = 0
window = 8
"""
import argparse

import torch
from torch import nn


class Memory(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.rnn = nn.RNN(2, hidden, nonlinearity="relu", batch_first=True)
        self.out = nn.Linear(hidden, 1)
        nn.init.eye_(self.rnn.weight_hh_l0)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h[:, -1]).squeeze(1)


def adding_problem(batch, length):
    values = torch.rand(batch, length)
    marks = torch.zeros(batch, length)
    first = torch.randint(0, length // 2, (batch,))
    second = torch.randint(length // 2, length, (batch,))
    rows = torch.arange(batch)
    marks[rows, first] = 1.0
    marks[rows, second] = 1.0
    target = values[rows, first] + values[rows, second]
    return torch.stack([values, marks], -1), target


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--hidden", type=int, default=32)
    ap.add_argument("--length", type=int, default=30)
    ap.add_argument("--lr", type=float, default=0.004)
    ap.add_argument("--clip", type=float, default=1.0)
    args = ap.parse_args()
    torch.manual_seed(82)
    net = Memory(args.hidden)
    opt = torch.optim.SGD(net.parameters(), lr=args.lr)
    for step in range(120):
        x, y = adding_problem(20, args.length)
        loss = nn.functional.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        nn.utils.clip_grad_norm_(net.parameters(), args.clip)
        if step % 10 == 0:
            print(f"step {step:4d} mse {loss.item():.4g}")


if __name__ == "__main__":
    main()
