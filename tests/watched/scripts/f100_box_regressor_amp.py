"""Single-object box regression in float16 autocast with accumulation of two micro-batches.

[truth]
family = "exploding_gradients"
causes = ["clipping_before_unscale"]
step = 0
window = 5
"""
import argparse
import csv
import io

import torch
import torch.nn as nn
import torch.nn.functional as F


def scenes(n, g, size=12):
    wh = 3 + 5 * torch.rand(n, 2, generator=g)
    xy = (size - wh) * torch.rand(n, 2, generator=g)
    grid = torch.arange(size) + 0.5
    inx = (grid > xy[:, :1]) & (grid < (xy + wh)[:, :1])
    iny = (grid > xy[:, 1:]) & (grid < (xy + wh)[:, 1:])
    img = (iny[:, :, None] & inx[:, None, :]).float() + 0.1 * torch.randn(n, size, size, generator=g)
    return img.flatten(1), torch.cat([xy, xy + wh], 1) / size


def get_args():
    p = argparse.ArgumentParser()
    p.add_argument("--steps", type=int, default=200)
    p.add_argument("--accum", type=int, default=2)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=0.1)
    p.add_argument("--max-norm", type=float, default=1.0)
    return p.parse_args()


def main():
    args = get_args()
    torch.manual_seed(5)
    g = torch.Generator().manual_seed(5)
    net = nn.Sequential(nn.Linear(144, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4))
    opt = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 14)
    table = csv.writer(out := io.StringIO())
    for step in range(args.steps):
        opt.zero_grad()
        total = 0.0
        for _ in range(args.accum):
            img, box = scenes(args.batch, g)
            with torch.autocast("cpu", torch.float16):
                pred = net(img)
            loss = F.l1_loss(pred.float(), box) / args.accum
            scaler.scale(loss).backward()
            total += loss.item()
        nn.utils.clip_grad_norm_(net.parameters(), args.max_norm)
        scaler.step(opt)
        scaler.update()
        table.writerow([step, f"{total:.5f}", scaler.get_scale()])
    print(out.getvalue()[:200], "...", out.getvalue()[-200:])


if __name__ == "__main__":
    main()
