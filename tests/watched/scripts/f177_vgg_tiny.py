"""Trains a hand-made VGG-like network on 32x32 texture images.

[truth]
family = "exploding_gradients"
causes = ["poor_initialization"]
step = 3
window = 3
phase = "forward"
"""
import argparse
import math
import time

import torch
import torch.nn.functional as F


def texture(kind, rng):
    yy, xx = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    ph, fr = torch.rand(2, generator=rng)
    fr = 0.3 + 0.5 * fr
    base = [torch.sin(fr * xx + 6 * ph), torch.sin(fr * yy + 6 * ph), torch.sin(fr * (xx + yy) + 6 * ph),
            torch.sin(fr * ((xx - 16) ** 2 + (yy - 16) ** 2).sqrt() + 6 * ph)][kind]
    img = base[None].repeat(3, 1, 1) * torch.rand(3, 1, 1, generator=rng)
    return img + 0.2 * torch.randn(3, 32, 32, generator=rng)


def load_data(n, seed):
    rng = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=rng)
    x = torch.stack([texture(int(k), rng) for k in y])
    return x, y


class ConvLayer:
    """conv 3x3 + relu, parameters kept as plain tensors"""

    def __init__(self, cin, cout, pool):
        self.W = torch.randn(cout, cin, 3, 3).mul_(0.25).requires_grad_()
        self.b = torch.zeros(cout, requires_grad=True)
        self.pool = pool

    def __call__(self, x):
        x = F.relu(F.conv2d(x, self.W, self.b, padding=1))
        return F.max_pool2d(x, 2) if self.pool else x

    def params(self):
        return [self.W, self.b]


class Dense:
    def __init__(self, nin, nout):
        self.W = torch.randn(nin, nout).mul_(0.25).requires_grad_()
        self.b = torch.zeros(nout, requires_grad=True)

    def __call__(self, x):
        return x @ self.W + self.b

    def params(self):
        return [self.W, self.b]


class TinyVGG:
    def __init__(self, width=24):
        w = width
        self.layers = [ConvLayer(3, w, False), ConvLayer(w, w, True),
                       ConvLayer(w, 2 * w, False), ConvLayer(2 * w, 2 * w, True),
                       ConvLayer(2 * w, 2 * w, False), ConvLayer(2 * w, 2 * w, True)]
        self.fc1 = Dense(2 * w * 16, 64)
        self.fc2 = Dense(64, 4)

    def forward(self, x):
        for l in self.layers:
            x = l(x)
        x = F.relu(self.fc1(x.flatten(1)))
        return self.fc2(x)

    def params(self):
        return sum([l.params() for l in self.layers], []) + self.fc1.params() + self.fc2.params()


def accuracy(net, x, y):
    with torch.no_grad():
        return (net.forward(x).argmax(1) == y).float().mean().item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=4)
    ap.add_argument("--bs", type=int, default=32)
    ap.add_argument("--lr", type=float, default=0.003)
    ap.add_argument("--momentum", type=float, default=0.9)
    ap.add_argument("--seed", type=int, default=7)
    args = ap.parse_args()
    torch.manual_seed(args.seed)
    xtr, ytr = load_data(640, 1)
    xte, yte = load_data(200, 2)
    net = TinyVGG()
    opt = torch.optim.SGD(net.params(), lr=args.lr, momentum=args.momentum)
    for ep in range(args.epochs):
        t0 = time.time()
        perm = torch.randperm(len(xtr))
        tot = 0.0
        for i in range(0, len(xtr), args.bs):
            b = perm[i:i + args.bs]
            loss = F.cross_entropy(net.forward(xtr[b]), ytr[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            tot += loss.item() * len(b)
        print(f"epoch {ep + 1}  loss {tot / len(xtr):.4f}  train acc {accuracy(net, xtr, ytr):.3f}"
              f"  test acc {accuracy(net, xte, yte):.3f}  ({time.time() - t0:.1f}s)")


if __name__ == "__main__":
    main()
