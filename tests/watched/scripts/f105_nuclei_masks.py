"""Nuclei segmentation from two merged collections.

[truth]
family = "bad_data"
causes = ["target_out_of_range"]
step = 3
window = 1
samples = [596]
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import ConcatDataset, DataLoader, Dataset


class Nuclei(Dataset):
    def __init__(self, n, seed, level):
        g = torch.Generator().manual_seed(seed)
        field = F.avg_pool2d(torch.randn(n, 1, 24, 24, generator=g), 9, 1)
        self.mask = ((field > 0.08).float() * level).to(torch.uint8)
        self.img = field * 6 + 0.3 * torch.randn(n, 1, 16, 16, generator=g)

    def __len__(self):
        return len(self.img)

    def __getitem__(self, i):
        return self.img[i], self.mask[i].float()


class TinyUNet(nn.Module):
    def __init__(self, w=8):
        super().__init__()
        self.enc = nn.Sequential(nn.Conv2d(1, w, 3, padding=1), nn.GELU())
        self.low = nn.Sequential(nn.Conv2d(w, 2 * w, 3, padding=1), nn.GELU(), nn.Conv2d(2 * w, w, 3, padding=1))
        self.out = nn.Conv2d(2 * w, 1, 3, padding=1)

    def forward(self, x):
        e = self.enc(x)
        u = F.interpolate(self.low(F.avg_pool2d(e, 2)), scale_factor=2, mode="bilinear", align_corners=False)
        return self.out(torch.cat([e, u], 1))


def fit(epochs=3, batch_size=10, lr=2e-3):
    torch.manual_seed(3)
    # 600 tiles from the first lab, 6 re-exported tiles from the second
    data = ConcatDataset([Nuclei(594, seed=1, level=1), Nuclei(6, seed=2, level=255)])
    loader = DataLoader(data, batch_size=batch_size, shuffle=True, generator=torch.Generator().manual_seed(30))
    net = TinyUNet()
    opt = torch.optim.Adam(net.parameters(), lr=lr)
    curve = []
    for ep in range(epochs):
        for img, mask in loader:
            opt.zero_grad(set_to_none=True)
            loss = F.binary_cross_entropy_with_logits(net(img), mask)
            loss.backward()
            opt.step()
            curve.append(float(loss.detach()))
        k = len(loader)
        print(f"epoch {ep}: mean {sum(curve[-k:]) / k:.4f} min {min(curve[-k:]):.4f} max {max(curve[-k:]):.4f}")
    return curve


if __name__ == "__main__":
    fit()
