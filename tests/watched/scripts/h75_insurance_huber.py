"""Trains a claim severity regressor on heavy-tailed losses with a Huber criterion.

[truth]
family = "healthy"
causes = []
"""
from dataclasses import dataclass
from typing import Tuple

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass(frozen=True)
class Settings:
    n_train: int = 6000
    n_valid: int = 1500
    batch_size: int = 8
    epochs: int = 4
    lr: float = 2e-3
    delta: float = 500.0
    seed: int = 77


def simulate_claims(n: int, seed: int) -> Tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Severity in euros: a systematic part plus Pareto noise (tail index 1.2)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 7))
    base = 3000 + 900 * x[:, 0] - 600 * x[:, 1] + 500 * np.abs(x[:, 2]) + 400 * x[:, 3] * x[:, 4]
    noise = (rng.pareto(1.2, size=n) - 0.78) * 250
    return (torch.tensor(x, dtype=torch.float32), torch.tensor(base + noise, dtype=torch.float32).unsqueeze(1), base)


class Severity(nn.Module):
    """The last layer works in thousands of euros."""

    def __init__(self, n_features: int, unit: float = 1000.0):
        super().__init__()
        self.unit = unit
        self.net = nn.Sequential(nn.Linear(n_features, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(self, x):
        return self.unit * self.net(x)


class Experiment:
    def __init__(self, s: Settings):
        self.s = s
        torch.manual_seed(s.seed)
        x, y, _ = simulate_claims(s.n_train, s.seed)
        self.vx, self.vy, self.vbase = simulate_claims(s.n_valid, s.seed + 1)
        self.loader = DataLoader(TensorDataset(x, y), batch_size=s.batch_size, shuffle=True)
        print(f"train claims: median {y.median():.0f}  mean {y.mean():.0f}  max {y.max():.0f}")
        self.model = Severity(x.shape[1])
        self.loss_fn = nn.HuberLoss(delta=s.delta)
        self.opt = torch.optim.Adam(self.model.parameters(), lr=s.lr)
        self.sched = torch.optim.lr_scheduler.ExponentialLR(self.opt, gamma=0.6)

    def fit(self):
        for epoch in range(self.s.epochs):
            batch_losses = []
            for x, y in self.loader:
                loss = self.loss_fn(self.model(x), y)
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                batch_losses.append(loss.item())
            self.sched.step()
            b = np.array(batch_losses)
            print(f"epoch {epoch}: loss median {np.median(b):.3g} mean {b.mean():.3g} max {b.max():.3g} | {self.summary()}")

    @torch.no_grad()
    def summary(self) -> str:
        self.model.eval()
        p = self.model(self.vx)
        self.model.train()
        mae = (p - self.vy).abs().median().item()
        corr = np.corrcoef(p.squeeze(1).numpy(), self.vbase)[0, 1]
        return f"valid median AE {mae:.1f}, correlation with systematic part {corr:.3f}"


if __name__ == "__main__":
    exp = Experiment(Settings())
    print("before:", exp.summary())
    exp.fit()
