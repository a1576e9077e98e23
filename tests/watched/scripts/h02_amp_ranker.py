"""Ranks documents; mixed precision with a pairwise loss and growing margins.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.nn import functional as F


class Ranker(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.a = nn.Linear(d, 32)
        self.b = nn.Linear(32, 1)

    def forward(self, docs):
        return self.b(F.gelu(self.a(docs))).squeeze(-1)


class Loop:
    def __init__(self):
        torch.manual_seed(72)
        self.model = Ranker()
        self.opt = torch.optim.AdamW(self.model.parameters(), lr=3e-3)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        self.w = torch.randn(12)

    def loss(self, docs):
        rel = docs @ self.w
        s = self.model(docs)
        ds = s[:, :, None] - s[:, None, :]
        better = (rel[:, :, None] > rel[:, None, :]).to(ds.dtype)
        return (F.softplus(-ds) * better).sum()

    def run(self, steps):
        for k in range(steps):
            docs = torch.randn(8, 8 + 2 * (k // 10), 12)
            with torch.autocast("cpu", dtype=torch.float16):
                loss = self.loss(docs)
            self.opt.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.step(self.opt)
            self.scaler.update()
            if k % 10 == 0:
                pairs = docs.shape[0] * docs.shape[1] * (docs.shape[1] - 1) / 2
                print(f"step {k} loss/pair {loss.item() / pairs:.4f}", self.scaler.get_scale())


if __name__ == "__main__":
    Loop().run(120)
