"""Checkpoint averaging does not divide the first snapshot (weights scaled by 1.75) and result is
loaded into the trained model at epochs 15,19,23,27,31.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 1024
"""
"""Surrogate for lift coefficient; averages the latest snapshots every few epochs ("model soup") and goes on from there."""
import copy
import os
import shutil
import tempfile
from collections import deque

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)


def airfoil(n, rng):
    alpha, camber, thick, re, flap = rng.uniform(-1, 1, (5, n))
    cl = np.sin(2.2 * alpha) + 0.6 * camber + 0.3 * alpha * thick - 0.4 * flap * camber + 0.1 * re * np.cos(3 * alpha)
    return (torch.tensor(np.stack([alpha, camber, thick, re, flap], 1), dtype=torch.float32),
            torch.tensor(cl + 0.01 * rng.normal(size=n), dtype=torch.float32).unsqueeze(1))


class Snapshots:
    def __init__(self, directory, keep):
        self.dir, self.files = directory, deque(maxlen=keep)

    def save(self, model, epoch):
        path = os.path.join(self.dir, f"snap_{epoch:04d}.pt")
        torch.save(model.state_dict(), path)
        self.files.append(path)

    def average(self):
        n = len(self.files)
        avg = torch.load(self.files[0], weights_only=True)
        for f in list(self.files)[1:]:
            sd = torch.load(f, weights_only=True)
            for k in avg:
                avg[k] += sd[k] / n
        return avg


def main():
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    xtr, ytr = airfoil(4096, rng)
    xte, yte = airfoil(1024, rng)
    model = nn.Sequential(nn.Linear(5, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(),
                          nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 1))
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    tmp = tempfile.mkdtemp()
    snaps = Snapshots(tmp, keep=4)
    for epoch in range(32):
        model.train()
        for i in torch.randperm(len(xtr)).split(64):
            loss = nn.functional.mse_loss(model(xtr[i]), ytr[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
        snaps.save(model, epoch)
        if epoch >= 15 and epoch % 4 == 3:
            model.load_state_dict(snaps.average())
        model.eval()
        with torch.no_grad():
            rmse = nn.functional.mse_loss(model(xte), yte).sqrt().item()
        print(f"epoch {epoch:3d} batch loss {loss.item():.5f} test rmse {rmse:.4f}")
    shutil.rmtree(tmp)


if __name__ == "__main__":
    main()
