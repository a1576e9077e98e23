"""Encoder-decoder segmentation of synthetic street crops with void pixels.

[truth]
family = "bad_data"
causes = ["empty_targets", "division_by_zero"]
step = 25
window = 0
phase = "loss"
samples = [200, 201, 202, 203, 204, 205, 206, 207]
"""
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

VOID = 255


class StreetCrops(Dataset):
    """Crops of a long panorama. Regions outside the labelled area are void."""

    def __init__(self, n=320, size=32, classes=5, seed=3):
        g = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(0, classes, (n, 4, 4), generator=g)
        self.labels = self.labels.repeat_interleave(size // 4, 1).repeat_interleave(size // 4, 2)
        palette = torch.rand(classes, 3, generator=g)
        self.images = palette[self.labels].permute(0, 3, 1, 2) + 0.12 * torch.randn(n, 3, size, size, generator=g)
        self.labels = self.labels.clone()
        for i in range(n):
            w = int(torch.randint(0, size // 3, (1,), generator=g))
            self.labels[i, :, :w] = VOID
        # the tail of the panorama was never annotated
        self.labels[200:208] = VOID

    def __len__(self):
        return len(self.images)

    def __getitem__(self, i):
        return self.images[i], self.labels[i]


class Block(nn.Sequential):
    def __init__(self, i, o):
        super().__init__(nn.Conv2d(i, o, 3, padding=1), nn.GroupNorm(4, o), nn.SiLU())


class SegNet(nn.Module):
    def __init__(self, classes, w=16):
        super().__init__()
        self.d1, self.d2 = Block(3, w), Block(w, 2 * w)
        self.mid = Block(2 * w, 2 * w)
        self.u1 = Block(3 * w, w)
        self.head = nn.Conv2d(w, classes, 1)

    def forward(self, x):
        a = self.d1(x)
        b = self.mid(self.d2(F.max_pool2d(a, 2)))
        return self.head(self.u1(torch.cat([a, F.interpolate(b, scale_factor=2)], 1)))


def seg_loss(logits, target):
    valid = target != VOID
    ce = F.cross_entropy(logits, target.masked_fill(~valid, 0), reduction="none")
    return (ce * valid).sum() / valid.sum()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=3)
    ap.add_argument("--bs", type=int, default=8)
    ap.add_argument("--lr", type=float, default=3e-3)
    args = ap.parse_args()
    torch.manual_seed(0)
    ds = StreetCrops()
    loader = DataLoader(ds, batch_size=args.bs, shuffle=False)  # keep panorama order for the temporal metrics
    net = SegNet(5)
    opt = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=1e-4)
    for ep in range(args.epochs):
        total = 0.0
        for it, (x, y) in enumerate(loader):
            loss = seg_loss(net(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
            if it % 10 == 0:
                print(f"ep {ep} it {it:3d} loss {loss.item():.4f}")
        print(f"== epoch {ep} mean {total / len(loader):.4f}")


if __name__ == "__main__":
    main()
