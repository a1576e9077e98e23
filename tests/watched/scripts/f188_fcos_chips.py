"""Trains a small anchor-free box regressor (FCOS style) on synthetic image chips.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "target_out_of_range"]
step = 77
window = 0
phase = "loss"
among = [1375, 1453]
"""
import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class ChipDataset(Dataset):
    """32x32 chips with one object. Boxes come from an annotation table (x1, y1, x2, y2)."""

    def __init__(self, n=6400, size=32, seed=11):
        rng = np.random.RandomState(seed)
        self.size = size
        cx, cy = rng.uniform(8, 24, n), rng.uniform(8, 24, n)
        w, h = rng.gamma(5.0, 1.6, n), rng.gamma(5.0, 1.6, n)
        self.boxes = np.stack([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2], 1).clip(0, size - 1)
        self.boxes = self.boxes.round().astype(np.float32)
        self.noise_seed = rng.randint(0, 2 ** 31 - 1, n)

    def __len__(self):
        return len(self.boxes)

    def __getitem__(self, i):
        rng = np.random.RandomState(self.noise_seed[i])
        img = rng.normal(0, 0.15, (1, self.size, self.size)).astype(np.float32)
        x1, y1, x2, y2 = self.boxes[i].astype(int)
        img[0, y1:y2 + 1, x1:x2 + 1] += 1.0
        return torch.from_numpy(img), torch.from_numpy(self.boxes[i])


class Net(nn.Module):
    def __init__(self, ch=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, ch, 3, 2, 1), nn.GroupNorm(4, ch), nn.ReLU(),
            nn.Conv2d(ch, 2 * ch, 3, 2, 1), nn.GroupNorm(4, 2 * ch), nn.ReLU(),
            nn.Conv2d(2 * ch, 2 * ch, 3, 1, 1), nn.GroupNorm(4, 2 * ch), nn.ReLU(),
            nn.Conv2d(2 * ch, 2 * ch, 3, 1, 1), nn.GroupNorm(4, 2 * ch), nn.ReLU(),
        )
        self.reg = nn.Conv2d(2 * ch, 4, 3, 1, 1)
        self.ctr = nn.Conv2d(2 * ch, 1, 3, 1, 1)
        nn.init.normal_(self.reg.weight, std=0.01)
        nn.init.constant_(self.reg.bias, 1.4)

    def forward(self, x):
        f = self.body(x)
        return self.reg(f).exp(), self.ctr(f)


def iou_loss(pred, target):
    # pred / target: (N, 4) distances left, top, right, bottom
    pl, pt, pr, pb = pred.unbind(1)
    tl, tt, tr, tb = target.unbind(1)
    w = torch.min(pl, tl) + torch.min(pr, tr)
    h = torch.min(pt, tt) + torch.min(pb, tb)
    inter = w * h
    union = (pl + pr) * (pt + pb) + (tl + tr) * (tt + tb) - inter
    return -torch.log(inter / union).mean()  # <- culprit


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=4)
    ap.add_argument("--bs", type=int, default=32)
    args = ap.parse_args()
    random.seed(0); np.random.seed(0); torch.manual_seed(0)

    ds = ChipDataset()
    dl = DataLoader(ds, batch_size=args.bs, shuffle=True)
    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    it = 0
    for epoch in range(args.epochs):
        for img, box in dl:
            reg, ctr = net(img)
            centre = (box[:, :2] + box[:, 2:]) / 2
            cell = (centre / 4).long().clamp(0, 7)
            b = torch.arange(len(img))
            pred = reg[b, :, cell[:, 1], cell[:, 0]]
            target = torch.cat([centre - box[:, :2], box[:, 2:] - centre], 1)
            onehot = torch.zeros(len(img), 8, 8)
            onehot[b, cell[:, 1], cell[:, 0]] = 1.0
            l_box = iou_loss(pred, target)
            l_ctr = F.binary_cross_entropy_with_logits(ctr[:, 0], onehot, pos_weight=torch.tensor(10.0))
            loss = l_box + l_ctr
            opt.zero_grad()
            loss.backward()
            opt.step()
            if it % 50 == 0:
                print(f"epoch {epoch} it {it} box {l_box.item():.4f} ctr {l_ctr.item():.4f}")
            it += 1


if __name__ == "__main__":
    main()
