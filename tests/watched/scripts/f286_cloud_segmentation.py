"""Shard 4 stores masks as 0/255, BCE targets far above 1, comes again every epoch; loss hugely
negative.

[truth]
family = "bad_data"
causes = ["recurring_bad_batch", "target_out_of_range"]
step = 16
among = [384, 385, 386, 387, 388, 389, 390, 391, 392, 393, 394, 395, 396, 397, 398, 399, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419, 420, 421, 422, 423, 424, 425, 426, 427, 428, 429, 430, 431, 432, 433, 434, 435, 436, 437, 438, 439, 440, 441, 442, 443, 444, 445, 446, 447, 448, 449, 450, 451, 452, 453, 454, 455, 456, 457, 458, 459, 460, 461, 462, 463, 464, 465, 466, 467, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477, 478, 479]
"""
"""Cloud mask segmentation from sharded satellite tiles."""
import logging
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

torch.set_num_threads(1)
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
logger = logging.getLogger("cloudseg")

CFG = {
    "data": {"shards": 6, "tiles_per_shard": 96, "size": 24},
    "optim": {"lr": 2e-3, "batch_size": 24, "epochs": 8},
    "seed": 11,
}


def write_shards(root: Path, cfg):
    """Stands in for the download step: tiles from two providers, stored as npz."""
    rng = np.random.default_rng(cfg["seed"])
    n, s = cfg["data"]["tiles_per_shard"], cfg["data"]["size"]
    yy, xx = np.mgrid[:s, :s]
    for k in range(cfg["data"]["shards"]):
        tiles, masks = [], []
        for _ in range(n):
            m = np.zeros((s, s), bool)
            for _ in range(rng.integers(1, 4)):
                cy, cx, r = rng.uniform(0, s), rng.uniform(0, s), rng.uniform(2, 6)
                m |= (yy - cy) ** 2 + (xx - cx) ** 2 < r * r
            img = rng.normal(0.2, 0.08, (3, s, s)) + m * rng.uniform(0.25, 0.5)
            tiles.append(img.astype(np.float32))
            masks.append(m.astype(np.uint8) * (255 if k == 4 else 1))
        np.savez(root / f"shard_{k:03d}.npz", x=np.stack(tiles), y=np.stack(masks))


class TileDataset(Dataset):
    def __init__(self, root: Path):
        self.files = sorted(root.glob("shard_*.npz"))
        arrays = [np.load(f) for f in self.files]
        self.x = np.concatenate([a["x"] for a in arrays])
        self.y = np.concatenate([a["y"] for a in arrays])

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return torch.from_numpy(self.x[i]), torch.from_numpy(self.y[i]).float().unsqueeze(0)


class MiniUNet(nn.Module):
    def __init__(self, c=12):
        super().__init__()
        self.d1 = nn.Sequential(nn.Conv2d(3, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, c, 3, padding=1), nn.ReLU())
        self.d2 = nn.Sequential(nn.Conv2d(c, 2 * c, 3, padding=1), nn.ReLU(), nn.Conv2d(2 * c, 2 * c, 3, padding=1), nn.ReLU())
        self.up = nn.ConvTranspose2d(2 * c, c, 2, 2)
        self.out = nn.Sequential(nn.Conv2d(2 * c, c, 3, padding=1), nn.ReLU(), nn.Conv2d(c, 1, 1))

    def forward(self, x):
        a = self.d1(x)
        b = self.d2(F.max_pool2d(a, 2))
        return self.out(torch.cat([a, self.up(b)], 1))


def run(cfg):
    torch.manual_seed(cfg["seed"])
    with tempfile.TemporaryDirectory() as tmp:
        write_shards(Path(tmp), cfg)
        ds = TileDataset(Path(tmp))
    loader = DataLoader(ds, batch_size=cfg["optim"]["batch_size"], shuffle=False)
    model = MiniUNet()
    opt = torch.optim.Adam(model.parameters(), lr=cfg["optim"]["lr"])
    for epoch in range(cfg["optim"]["epochs"]):
        losses = []
        for x, y in loader:
            loss = F.binary_cross_entropy_with_logits(model(x), y)
            opt.zero_grad()
            loss.backward()
            opt.step()
            losses.append(loss.item())
        logger.info("epoch %d first %.4f last %.4f mean %.4f", epoch, losses[0], losses[-1], float(np.mean(losses)))


if __name__ == "__main__":
    run(CFG)
