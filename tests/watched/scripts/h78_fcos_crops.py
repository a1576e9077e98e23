"""Trains an anchor-free detector on random crops, many of them without any object.

[truth]
family = "healthy"
causes = []
"""
import argparse

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class Crops(Dataset):
    def __init__(self, n=1603, size=32, seed=4):
        rng = np.random.RandomState(seed)
        self.imgs = rng.normal(0, 0.2, (n, 1, size, size)).astype(np.float32)
        self.boxes = []
        for i in range(n):
            if rng.rand() < 0.4:
                self.boxes.append(np.zeros((0, 4), np.float32))
                continue
            w, h = rng.uniform(5, 16, 2)
            cx, cy = rng.uniform(9, 23, 2)
            b = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]).round().clip(0, size - 1)
            x1, y1, x2, y2 = b.astype(int)
            self.imgs[i, 0, y1:y2 + 1, x1:x2 + 1] += 1.0
            self.boxes.append(b[None].astype(np.float32))

    def __len__(self):
        return len(self.imgs)

    def __getitem__(self, i):
        return torch.from_numpy(self.imgs[i]), torch.from_numpy(self.boxes[i])


def collate(batch):
    return torch.stack([b[0] for b in batch]), [b[1] for b in batch]


class Detector(nn.Module):
    def __init__(self, c=16):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, c, 3, 2, 1), nn.GroupNorm(4, c), nn.ReLU(),
            nn.Conv2d(c, 2 * c, 3, 2, 1), nn.GroupNorm(4, 2 * c), nn.ReLU(),
            nn.Conv2d(2 * c, 2 * c, 3, 1, 1), nn.GroupNorm(4, 2 * c), nn.ReLU())
        self.obj = nn.Conv2d(2 * c, 1, 3, 1, 1)
        self.reg = nn.Conv2d(2 * c, 4, 3, 1, 1)
        nn.init.constant_(self.obj.bias, -4.0)
        nn.init.constant_(self.reg.bias, 1.5)

    def forward(self, x):
        f = self.body(x)
        return self.obj(f)[:, 0], self.reg(f).clamp(max=4).exp()


def focal(logit, target, alpha=0.25, gamma=2.0):
    p = logit.sigmoid()
    ce = F.binary_cross_entropy_with_logits(logit, target, reduction="none")
    pt = p * target + (1 - p) * (1 - target)
    return (alpha * target + (1 - alpha) * (1 - target)) * (1 - pt) ** gamma * ce


def iou_loss(p, t):
    w = torch.min(p[:, 0], t[:, 0]) + torch.min(p[:, 2], t[:, 2])
    h = torch.min(p[:, 1], t[:, 1]) + torch.min(p[:, 3], t[:, 3])
    inter = w * h
    union = (p[:, 0] + p[:, 2]) * (p[:, 1] + p[:, 3]) + (t[:, 0] + t[:, 2]) * (t[:, 1] + t[:, 3]) - inter
    return -torch.log((inter + 1) / (union + 1))


def losses(model, imgs, boxes):
    obj, reg = model(imgs)
    target = torch.zeros_like(obj)
    pred_d, true_d = [], []
    for i, b in enumerate(boxes):
        for x1, y1, x2, y2 in b.tolist():
            cx, cy = (x1 + x2) / 2, (y1 + y2) / 2
            gx, gy = min(int(cx / 4), 7), min(int(cy / 4), 7)
            target[i, gy, gx] = 1
            pred_d.append(reg[i, :, gy, gx])
            true_d.append(torch.tensor([cx - x1, cy - y1, x2 - cx, y2 - cy]))
    npos = max(len(pred_d), 1)
    l_obj = focal(obj, target).sum() / npos
    l_box = iou_loss(torch.stack(pred_d), torch.stack(true_d)).sum() / npos if pred_d else reg.sum() * 0
    return l_obj, l_box


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--batch-size", type=int, default=6)
    args = ap.parse_args()
    torch.manual_seed(2)
    loader = DataLoader(Crops(), batch_size=args.batch_size, shuffle=True, collate_fn=collate)
    net = Detector()
    opt = torch.optim.SGD(net.parameters(), lr=4e-3, momentum=0.9, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.MultiStepLR(opt, [6], 0.1)
    for ep in range(args.epochs):
        so = sb = 0.0
        for imgs, boxes in loader:
            l_obj, l_box = losses(net, imgs, boxes)
            opt.zero_grad()
            (l_obj + l_box).backward()
            opt.step()
            so, sb = so + l_obj.item(), sb + l_box.item()
        sched.step()
        print("epoch %d  obj %.4f  box %.4f  last batch (%d imgs) %.4f" % (
            ep, so / len(loader), sb / len(loader), len(imgs), (l_obj + l_box).item()))


if __name__ == "__main__":
    main()
