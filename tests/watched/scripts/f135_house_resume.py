"""House price regression in two sessions: pretrain, write a checkpoint, continue from it.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 301
window = 1
"""
import os
import tempfile

import numpy as np
import torch
from torch import nn


def houses(n=3000):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 8))
    y = 0.8 * x[:, 0] + np.sin(2 * x[:, 1]) + 0.5 * x[:, 2] * x[:, 3] + 0.05 * rng.normal(size=n)
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)


class Session:
    total_steps = 600

    def __init__(self, path):
        self.path = path
        self.x, self.y = houses()
        self.model = nn.Sequential(nn.Linear(8, 96), nn.SiLU(), nn.Linear(96, 96), nn.SiLU(), nn.Linear(96, 1))
        self.opt = torch.optim.Adam(self.model.parameters(), lr=3e-2)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, gamma=0.982)
        self.start = 0
        if os.path.exists(path):
            state = torch.load(path)
            self.model.load_state_dict(state["model"])
            self.start = state["step"]

    def save(self, step):
        torch.save({"model": self.model.state_dict(), "step": step}, self.path)

    def train(self, until):
        for step in range(self.start, until):
            g = torch.Generator().manual_seed(step)
            idx = torch.randint(0, len(self.x), (128,), generator=g)
            loss = nn.functional.mse_loss(self.model(self.x[idx]).squeeze(1), self.y[idx])
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            self.sched.step()
            if step % 50 == 0 or step == until - 1:
                print(f"step {step} mse {loss.item():.5f} lr {self.sched.get_last_lr()[0]:.2e}")
        self.save(until)


if __name__ == "__main__":
    torch.manual_seed(6)
    with tempfile.TemporaryDirectory() as tmp:
        ckpt = os.path.join(tmp, "last.pt")
        Session(ckpt).train(300)
        Session(ckpt).train(Session.total_steps)
