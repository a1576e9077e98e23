"""Fp16 autocast with too large initial scale and short growth interval: several skipped steps.

[truth]
family = "healthy"
causes = []
"""
"""Half precision tabular training with dynamic loss scaling."""
import argparse
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


def data(n):
    x = torch.randn(n, 20)
    w = torch.randn(20)
    return x, ((x @ w + 2 * torch.sin(3 * x[:, 0]) + 0.3 * torch.randn(n)) > 0).float()


class Trainer:
    def __init__(self, cfg):
        self.cfg = cfg
        x, y = data(6000)
        self.train_dl = DataLoader(TensorDataset(x[:5000], y[:5000]), batch_size=cfg.batch, shuffle=True)
        self.val = (x[5000:], y[5000:])
        self.model = nn.Sequential(nn.Linear(20, 128), nn.LayerNorm(128), nn.GELU(), nn.Linear(128, 128), nn.GELU(), nn.Linear(128, 1))
        no_wd = [p for n, p in self.model.named_parameters() if p.dim() == 1]
        wd = [p for n, p in self.model.named_parameters() if p.dim() > 1]
        self.opt = torch.optim.AdamW([{"params": wd, "weight_decay": 0.02}, {"params": no_wd, "weight_decay": 0.0}], lr=cfg.lr)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 24, growth_interval=60)

    def epoch(self, ep):
        tot = 0
        for i, (x, y) in enumerate(self.train_dl):
            with torch.autocast("cpu", dtype=torch.float16):
                out = self.model(x).squeeze(-1)
                loss = nn.functional.binary_cross_entropy_with_logits(out.float(), y)
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.opt)
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.scaler.step(self.opt)
            self.scaler.update()
            self.opt.zero_grad()
            tot += loss.item()
        with torch.no_grad(), torch.autocast("cpu", dtype=torch.float16):
            acc = ((self.model(self.val[0]).squeeze(-1) > 0).float() == self.val[1]).float().mean()
        print(f"epoch {ep} loss {tot / len(self.train_dl):.4f} acc {acc:.3f} scale {self.scaler.get_scale():.0f}")

    def run(self):
        for e in range(self.cfg.epochs):
            self.epoch(e)


if __name__ == "__main__":
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=8)
    ap.add_argument("--batch", type=int, default=64)
    ap.add_argument("--lr", type=float, default=1e-3)
    torch.set_num_threads(1)
    torch.manual_seed(6)
    Trainer(ap.parse_args()).run()
