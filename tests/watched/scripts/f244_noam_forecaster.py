"""The warm-up branch has no min(), so lr rises linearly for ever; SGD+momentum learns until lr
reaches about 0.5.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule", "learning_rate_too_high"]
step = 398
window = 18
"""
"""Hourly load forecasting with a tiny transformer (pre-norm), Noam style warm-up."""
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(3)

D, CTX, HORIZON, BATCH, STEPS, WARMUP = 32, 24, 6, 16, 450, 50


def synth(n=6000):
    t = torch.arange(n).float()
    y = torch.sin(2 * math.pi * t / 24) + 0.5 * torch.sin(2 * math.pi * t / 168 + 0.3)
    return y + 0.1 * torch.randn(n)


series = synth()


def get_batch():
    i = torch.randint(0, len(series) - CTX - HORIZON, (BATCH,))
    idx = i[:, None] + torch.arange(CTX + HORIZON)[None]
    w = series[idx]
    return w[:, :CTX, None], w[:, CTX:]


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.o = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.ff = nn.Sequential(nn.Linear(D, 2 * D), nn.GELU(), nn.Linear(2 * D, D))

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = self.qkv(self.n1(x)).view(B, T, 3, 4, D // 4).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v)
        x = x + self.o(a.transpose(1, 2).reshape(B, T, D))
        return x + self.ff(self.n2(x))


class Forecaster(nn.Module):
    def __init__(self):
        super().__init__()
        self.inp = nn.Linear(1, D)
        self.pos = nn.Parameter(torch.randn(CTX, D) * 0.02)
        self.blocks = nn.Sequential(Block(), Block())
        self.head = nn.Linear(D, HORIZON)

    def forward(self, x):
        return self.head(self.blocks(self.inp(x) + self.pos)[:, -1])


def noam(step):
    step += 1
    return 2.5 * D ** -0.5 * step * WARMUP ** -1.5


model = Forecaster()
opt = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
sched = torch.optim.lr_scheduler.LambdaLR(opt, noam)
avg = None
for step in range(STEPS):
    x, y = get_batch()
    loss = F.mse_loss(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    sched.step()
    avg = loss.item() if avg is None else 0.9 * avg + 0.1 * loss.item()
    if step % 25 == 0:
        print(f"step {step:4d}  mse {avg:.4f}  lr {sched.get_last_lr()[0]:.2e}")
