"""Trains an MLP on digit-like glyphs with gradual magnitude pruning.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 451
window = 1
phase = "state"
"""
import copy
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class PruneSchedule:
    start: int = 100
    every: int = 50
    end: int = 600
    final_sparsity: float = 0.9

    def sparsity(self, step):
        if step < self.start:
            return 0.0
        t = min(1.0, (step - self.start) / (self.end - self.start))
        return self.final_sparsity * (1 - (1 - t) ** 3)


@dataclass
class Config:
    hidden: int = 128
    lr: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-3
    batch: int = 64
    steps: int = 800
    seed: int = 21


class Glyphs:
    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(99)
        protos = (torch.rand(10, 14, 14, generator=g) < 0.35).float()
        g.manual_seed(seed)
        self.y = torch.randint(0, 10, (n,), generator=g)
        x = protos[self.y]
        x = torch.stack([torch.roll(im, (int(torch.randint(-1, 2, (1,), generator=g)), 0), (0, 1)) for im in x])
        x[:, 0, :] = 0
        x[:, -1, :] = 0
        self.x = (x + 0.5 * torch.randn(x.shape, generator=g)).flatten(1)


class Pruner:
    """Keeps one mask per linear layer and rescales the rows of a pruned layer to their former norm."""

    def __init__(self, model, schedule):
        self.layers = [m for m in model.modules() if isinstance(m, nn.Linear)][:-1]
        self.masks = [torch.ones_like(l.weight) for l in self.layers]
        self.schedule = schedule

    @torch.no_grad()
    def apply(self):
        for l, m in zip(self.layers, self.masks):
            l.weight.mul_(m)

    @torch.no_grad()
    def update(self, step):
        s = self.schedule
        if step < s.start or step > s.end or (step - s.start) % s.every:
            return None
        target = s.sparsity(step)
        for l, m in zip(self.layers, self.masks):
            k = int(target * l.weight.numel())
            if k == 0:
                continue
            before = l.weight.norm(dim=1, keepdim=True)
            threshold = l.weight.abs().flatten().kthvalue(k).values
            m.copy_((l.weight.abs() > threshold).float())
            pruned = l.weight * m
            scale = before / pruned.norm(dim=1, keepdim=True)  # <- culprit
            l.weight.copy_(pruned * scale)
        return target


def build(cfg):
    return nn.Sequential(nn.Linear(196, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, 10))


@torch.no_grad()
def test(model, data):
    model.eval()
    acc = (model(data.x).argmax(1) == data.y).float().mean().item()
    model.train()
    return acc


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    train, valid = Glyphs(3000, 1), Glyphs(500, 2)
    model = build(cfg)
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum, weight_decay=cfg.weight_decay)
    pruner = Pruner(model, PruneSchedule())
    best, best_acc = None, 0.0
    for step in range(cfg.steps):
        b = torch.randint(0, len(train.x), (cfg.batch,))
        loss = F.cross_entropy(model(train.x[b]), train.y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        pruner.apply()
        sp = pruner.update(step)
        if sp is not None:
            print(f"step {step:4d}  pruned to sparsity {sp:.3f}")
        if step % 50 == 0:
            acc = test(model, valid)
            if acc >= best_acc:
                best, best_acc = copy.deepcopy(model.state_dict()), acc
            print(f"step {step:4d}  loss {loss.item():.4f}  valid acc {acc:.3f}")
    print(f"best valid acc {best_acc:.3f}, final {test(model, valid):.3f}")


if __name__ == "__main__":
    main()
