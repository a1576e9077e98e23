"""fp16 autocast with GradScaler from 2^28: the first 12 steps of 350 are skipped with inf/NaN
scaled gradients (unscaled gnorm nan), as designed; then a constant scale, loss 2.2 -> 0.02.

[truth]
family = "healthy"
causes = []
"""
"""fp16 autocast + GradScaler on CPU. The initial scale is generous, the first steps are skipped (expected)."""
import torch
import torch.nn as nn


class Cfg:
    init_scale = 2.0 ** 28
    growth_interval = 150
    lr = 2e-3
    steps = 350
    batch = 64
    d = 48


class Block(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.norm = nn.LayerNorm(d)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x):
        return x + self.ff(self.norm(x))


class MixerNet(nn.Module):
    def __init__(self, d, n_cls=8):
        super().__init__()
        self.inp = nn.Linear(32, d)
        self.blocks = nn.Sequential(Block(d), Block(d), Block(d))
        self.out = nn.Linear(d, n_cls)

    def forward(self, x):
        return self.out(self.blocks(self.inp(x)))


class Trainer:
    def __init__(self, cfg):
        torch.manual_seed(77)
        self.cfg = cfg
        self.net = MixerNet(cfg.d)
        self.opt = torch.optim.AdamW(self.net.parameters(), lr=cfg.lr, weight_decay=0.01)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=cfg.init_scale, growth_interval=cfg.growth_interval)
        self.means = torch.randn(8, 3, 32)

    def batch(self):
        y = torch.randint(0, 8, (self.cfg.batch,))
        sub = torch.randint(0, 3, (self.cfg.batch,))
        return self.means[y, sub] + 0.9 * torch.randn(self.cfg.batch, 32), y

    def fit(self):
        for step in range(self.cfg.steps):
            x, y = self.batch()
            with torch.autocast("cpu", dtype=torch.float16):
                logits = self.net(x)
            loss = nn.functional.cross_entropy(logits.float(), y)
            self.opt.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.opt)
            norm = nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.scaler.step(self.opt)
            self.scaler.update()
            if step % 25 == 0:
                acc = (logits.argmax(1) == y).float().mean()
                print(f"step {step} loss {loss.item():.4f} acc {acc:.2f} gnorm {norm:.3f} scale {self.scaler.get_scale():.0f}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    Trainer(Cfg).fit()
