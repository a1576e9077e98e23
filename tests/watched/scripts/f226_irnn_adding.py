"""Calm training at T=10 until step 299 (gnorm about 0.5).

[truth]
family = "exploding_gradients"
causes = ["recurrent_growth", "unclipped_gradient_spikes", "gradient_growth"]
step = 301
window = 1
"""
"""
Re-implementation of the adding problem of "A Simple Way to Initialize Recurrent
Networks of Rectified Linear Units" (Le, Jaitly, Hinton 2015).

The sequence length is increased during training (curriculum), see --lengths.
"""
import argparse
import time

import torch
import torch.nn as nn


class IRNNCell(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.wx = nn.Linear(n_in, n_hidden, bias=False)
        self.wh = nn.Linear(n_hidden, n_hidden)
        nn.init.normal_(self.wx.weight, std=0.05)
        nn.init.eye_(self.wh.weight)
        nn.init.zeros_(self.wh.bias)

    def forward(self, x, h):
        return torch.relu(self.wx(x) + self.wh(h))


class IRNN(nn.Module):
    def __init__(self, n_hidden=48):
        super().__init__()
        self.n_hidden = n_hidden
        self.cell = IRNNCell(2, n_hidden)
        self.out = nn.Linear(n_hidden, 1)

    def forward(self, x):                       # x: T x B x 2
        h = x.new_zeros(x.size(1), self.n_hidden)
        for t in range(x.size(0)):
            h = self.cell(x[t], h)
        return self.out(h).squeeze(-1)


def adding_batch(T, B, gen):
    values = torch.rand(T, B, generator=gen)
    mask = torch.zeros(T, B)
    half = T // 2
    i = torch.randint(0, half, (B,), generator=gen)
    j = torch.randint(half, T, (B,), generator=gen)
    cols = torch.arange(B)
    mask[i, cols] = 1.0
    mask[j, cols] = 1.0
    target = (values * mask).sum(0)
    return torch.stack([values, mask], dim=-1), target


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--lr", type=float, default=0.01)
    ap.add_argument("--momentum", type=float, default=0.9)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--lengths", type=int, nargs="+", default=[10, 60])
    ap.add_argument("--per_length", type=int, default=300)
    ap.add_argument("--seed", type=int, default=7)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(1)
    gen = torch.Generator().manual_seed(args.seed)
    net = IRNN()
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=args.momentum)
    t0 = time.time()
    it = 0
    for T in args.lengths:
        running = 0.0
        for k in range(args.per_length):
            x, y = adding_batch(T, args.batch, gen)
            loss = (net(x) - y).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item()
            it += 1
            if it % 20 == 0:
                print("it %4d  T=%3d  mse %.4f" % (it, T, loss.item()))
        print("== T=%d done, mean mse %.4f  (baseline 0.167)  %.1fs" % (T, running / args.per_length, time.time() - t0))


if __name__ == "__main__":
    main()
