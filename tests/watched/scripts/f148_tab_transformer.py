"""Tabular transformer on customer records with missing columns.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 44
window = 0
phase = "forward"
"""
import numpy as np
import pandas as pd
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

SEED = 3
rng = np.random.default_rng(SEED)
torch.manual_seed(SEED)

# ---- data -----------------------------------------------------------------
N, COLS = 3000, 8
raw = rng.normal(size=(N, COLS))
score = 1.2 * raw[:, 0] - raw[:, 1] * raw[:, 2] + 0.7 * raw[:, 5]
label = (score + 0.3 * rng.normal(size=N) > 0).astype(np.int64)
frame = pd.DataFrame(raw * [10, 2, 1, 5, 1, 300, 1, 1] + [40, 0, 3, 0, 0, 900, 0, 0],
                     columns=[f"c{i}" for i in range(COLS)])
frame = frame.mask(rng.random((N, COLS)) < 0.08)
frame.loc[frame.isna().all(axis=1), "c0"] = 40.0
frame.loc[103] = np.nan
frame = (frame - frame.mean()) / frame.std()

values = torch.tensor(frame.fillna(0.0).to_numpy(), dtype=torch.float32)
present = torch.tensor(frame.notna().to_numpy())
target = torch.from_numpy(label)


# ---- model ----------------------------------------------------------------
class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.h, self.dk = heads, d // heads
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x, present):
        b, t, d = x.shape
        q, k, v = self.qkv(self.n1(x)).view(b, t, 3, self.h, self.dk).permute(2, 0, 3, 1, 4)
        score = q @ k.transpose(-1, -2) / self.dk ** 0.5
        score = score.masked_fill(~present[:, None, None, :], float("-inf"))
        att = score.softmax(-1)  # <- culprit
        x = x + self.proj((att @ v).transpose(1, 2).reshape(b, t, d))
        return x + self.ff(self.n2(x))


class TabTransformer(nn.Module):
    def __init__(self, cols, d=32, heads=4, depth=2):
        super().__init__()
        self.w = nn.Parameter(torch.randn(cols, d) * 0.3)
        self.b = nn.Parameter(torch.randn(cols, d) * 0.3)
        self.blocks = nn.ModuleList(Block(d, heads) for _ in range(depth))
        self.out = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2))

    def forward(self, v, present):
        x = v[..., None] * self.w + self.b
        for blk in self.blocks:
            x = blk(x, present)
        m = present[..., None].float()
        return self.out((x * m).sum(1) / m.sum(1).clamp(min=1))


# ---- training -------------------------------------------------------------
model = TabTransformer(COLS)
loader = DataLoader(TensorDataset(values, present, target), batch_size=50, shuffle=True)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
criterion = nn.CrossEntropyLoss()

for epoch in range(4):
    run, hit, seen = 0.0, 0, 0
    for v, p, y in loader:
        optimizer.zero_grad()
        logits = model(v, p)
        loss = criterion(logits, y)
        loss.backward()
        optimizer.step()
        run += loss.item() * len(y)
        hit += (logits.argmax(1) == y).sum().item()
        seen += len(y)
    print(f"[{epoch}] loss={run / seen:.4f} acc={hit / seen:.3f}")
