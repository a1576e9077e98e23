"""Trains a deep residual stack with activation checkpointing.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


class Residual(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.up, self.down = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)
        self.drop = nn.Dropout(0.1)

    def forward(self, x):
        h = nn.functional.gelu(self.up(self.norm(x)))
        return x + self.drop(self.down(h))


class Stack(nn.Module):
    def __init__(self, d=24, depth=6):
        super().__init__()
        self.blocks = nn.ModuleList(Residual(d) for _ in range(depth))
        self.out = nn.Linear(d, 1)

    def forward(self, x):
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False)
        return self.out(x).squeeze(-1)


torch.manual_seed(20)
model = Stack()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=5e-3, total_steps=90)
for step in range(90):
    x = torch.randn(32, 24)
    y = x[:, 0] * x[:, 1] + x[:, 2]
    loss = nn.functional.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    sched.step()
    if step % 15 == 0:
        print(f"step {step:3d} loss {loss.item():.4f} lr {sched.get_last_lr()[0]:.2e}")
