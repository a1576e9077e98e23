"""Three regression tasks on a shared trunk whose loss weights are learned with the network.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss"]
step = 176
window = 26
"""
from dataclasses import dataclass, field

import torch
import torch.nn as nn
import torch.nn.functional as F


@dataclass
class Setup:
    steps: int = 400
    batch: int = 64
    lr: float = 2e-3
    weight_lr: float = 1e-2
    tasks: tuple = ("sum", "product", "angle")
    log: list = field(default_factory=list)


def draw(n, gen):
    x = torch.randn(n, 10, generator=gen)
    t = {
        "sum": x[:, :5].sum(1) / 2,
        "product": x[:, 0] * x[:, 1],
        "angle": torch.atan2(x[:, 2], x[:, 3]).cos(),
    }
    return x, t


class SharedTrunk(nn.Module):
    def __init__(self, tasks):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(10, 96), nn.GELU(), nn.Linear(96, 96), nn.GELU())
        self.heads = nn.ModuleDict({k: nn.Linear(96, 1) for k in tasks})

    def forward(self, x):
        h = self.trunk(x)
        return {k: head(h).squeeze(-1) for k, head in self.heads.items()}


class WeightedSum(nn.Module):
    """Learned importance of every task."""

    def __init__(self, n):
        super().__init__()
        self.w = nn.Parameter(torch.ones(n))

    def forward(self, losses):
        return (self.w * torch.stack(losses)).sum()


def run(cfg):
    torch.manual_seed(31)
    gen = torch.Generator().manual_seed(31)
    net, combine = SharedTrunk(cfg.tasks), WeightedSum(len(cfg.tasks))
    opt = torch.optim.Adam([{"params": net.parameters(), "lr": cfg.lr},
                            {"params": combine.parameters(), "lr": cfg.weight_lr}])
    for step in range(cfg.steps):
        x, t = draw(cfg.batch, gen)
        out = net(x)
        losses = [F.mse_loss(out[k], t[k]) for k in cfg.tasks]
        loss = combine(losses)
        opt.zero_grad()
        loss.backward()
        opt.step()
        cfg.log.append({"step": step, "loss": loss.item(), **{k: v.item() for k, v in zip(cfg.tasks, losses)}})
        if step % 40 == 0:
            print(" ".join(f"{k}={v:.4g}" for k, v in cfg.log[-1].items()))
    return cfg.log


if __name__ == "__main__":
    run(Setup())
