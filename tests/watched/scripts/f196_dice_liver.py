"""Trains a tiny U-Net on synthetic CT-like slices with a soft Dice loss.

[truth]
family = "stalled_training"
causes = ["nothing_learned", "vanishing_gradients"]
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset


class SliceDataset(Dataset):
    def __init__(self, n, seed):
        rng = np.random.RandomState(seed)
        yy, xx = np.mgrid[:32, :32]
        self.img = np.zeros((n, 1, 32, 32), np.float32)
        self.msk = np.zeros((n, 1, 32, 32), np.float32)
        for i in range(n):
            cy, cx = rng.uniform(10, 22, 2)
            a, b = rng.uniform(4, 9, 2)
            th = rng.uniform(0, np.pi)
            u = (xx - cx) * np.cos(th) + (yy - cy) * np.sin(th)
            v = -(xx - cx) * np.sin(th) + (yy - cy) * np.cos(th)
            m = (u / a) ** 2 + (v / b) ** 2 < 1
            hu = rng.normal(-20, 60, (32, 32))
            hu[m] += 110
            # window [-160, 240]
            self.img[i, 0] = np.clip((hu + 160) / 400, 0, 1)
            self.msk[i, 0] = m

    def __len__(self):
        return len(self.img)

    def __getitem__(self, i):
        return {"image": torch.from_numpy(self.img[i]), "label": torch.from_numpy(self.msk[i])}


def conv_block(i, o):
    return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.InstanceNorm2d(o, affine=True), nn.LeakyReLU(0.01),
                         nn.Conv2d(o, o, 3, padding=1), nn.InstanceNorm2d(o, affine=True), nn.LeakyReLU(0.01))


class UNet(nn.Module):
    def __init__(self, in_channels=1, out_channels=1, base=8):
        super().__init__()
        self.enc1 = conv_block(in_channels, base)
        self.enc2 = conv_block(base, base * 2)
        self.bottom = conv_block(base * 2, base * 4)
        self.up2 = nn.ConvTranspose2d(base * 4, base * 2, 2, 2)
        self.dec2 = conv_block(base * 4, base * 2)
        self.up1 = nn.ConvTranspose2d(base * 2, base, 2, 2)
        self.dec1 = conv_block(base * 2, base)
        self.out = nn.Conv2d(base, out_channels, 1)

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(F.max_pool2d(e1, 2))
        b = self.bottom(F.max_pool2d(e2, 2))
        d2 = self.dec2(torch.cat([self.up2(b), e2], 1))
        d1 = self.dec1(torch.cat([self.up1(d2), e1], 1))
        return self.out(d1)


class DiceLoss(nn.Module):
    def __init__(self, smooth=1.0, activation="softmax"):
        super().__init__()
        self.smooth = smooth
        self.activation = activation

    def forward(self, logits, target):
        if self.activation == "softmax":
            p = F.softmax(logits, dim=1)
        else:
            p = torch.sigmoid(logits)
        p, t = p.flatten(1), target.flatten(1)
        inter = (p * t).sum(1)
        dice = (2 * inter + self.smooth) / (p.sum(1) + t.sum(1) + self.smooth)
        return 1 - dice.mean()


def main():
    torch.manual_seed(0)
    train = DataLoader(SliceDataset(240, 0), batch_size=8, shuffle=True)
    val = DataLoader(SliceDataset(48, 1), batch_size=8)
    model = UNet()
    criterion = DiceLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    scheduler = torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=8, power=0.9)
    for epoch in range(8):
        model.train()
        tr = 0
        for batch in train:
            optimizer.zero_grad()
            loss = criterion(model(batch["image"]), batch["label"])
            loss.backward()
            optimizer.step()
            tr += loss.item() / len(train)
        scheduler.step()
        model.eval()
        with torch.no_grad():
            va = sum(criterion(model(b["image"]), b["label"]).item() for b in val) / len(val)
        print("Epoch %d  train dice loss %.6f  val dice loss %.6f" % (epoch, tr, va))


if __name__ == "__main__":
    main()
