"""Deep ensemble for three-class tabular classification of wine cultivars (synthetic).

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
"""
import copy

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def wine(n=1800, seed=5):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(3, 13)) * 1.2
    y = rng.integers(0, 3, n)
    x = centres[y] + rng.normal(size=(n, 13))
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def build():
    return nn.Sequential(nn.Linear(13, 32), nn.GELU(), nn.Dropout(0.1), nn.Linear(32, 3))


def perturbed(net, scale=0.3):
    twin = copy.deepcopy(net)
    with torch.no_grad():
        for p in twin.parameters():
            p.add_(scale * p.std() * torch.randn_like(p))
    return twin


def train_ensemble(size=4, epochs=12):
    torch.manual_seed(12)
    x, y = wine()
    loader = DataLoader(TensorDataset(x[:1500], y[:1500]), batch_size=50, shuffle=True)
    base = build()
    opt = torch.optim.Adam(base.parameters(), lr=2e-3)
    members = nn.ModuleList(perturbed(base) for _ in range(size))
    ce = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        members.train()
        losses = []
        for xb, yb in loader:
            loss = sum(ce(m(xb), yb) for m in members) / size
            opt.zero_grad()
            members.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(members.parameters(), 5.0)
            opt.step()
            losses.append(loss.item())
        members.eval()
        with torch.no_grad():
            p = torch.stack([m(x[1500:]).softmax(1) for m in members]).mean(0)
        print(f"{epoch=} loss={np.mean(losses):.4f} acc={(p.argmax(1) == y[1500:]).float().mean():.3f}")


if __name__ == "__main__":
    train_ensemble()
