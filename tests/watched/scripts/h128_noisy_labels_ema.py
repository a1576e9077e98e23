"""60% label noise and mixup: loss stays near 2, clean accuracy 0.98.

[truth]
family = "healthy"
causes = []
"""
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F
from accelerate import Accelerator
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, TensorDataset


def crowd_labelled(n, g, rate):
    proto = torch.randn(10, 40, generator=torch.Generator().manual_seed(1))
    y = torch.randint(0, 10, (n,), generator=g)
    x = proto[y] + 1.2 * torch.randn(n, 40, generator=g)
    wrong = torch.rand(n, generator=g) < rate
    return x, torch.where(wrong, torch.randint(0, 10, (n,), generator=g), y), y


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--rate", type=float, default=0.6)
    p.add_argument("--alpha", type=float, default=0.8)
    p.add_argument("--epochs", type=int, default=12)
    p.add_argument("--lr", type=float, default=0.05)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    g = torch.Generator().manual_seed(7)
    x, y, _ = crowd_labelled(6000, g, a.rate)
    xv, _, yv = crowd_labelled(1500, g, 0.0)
    acc = Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = nn.Sequential(nn.Linear(40, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    opt = torch.optim.SGD(net.parameters(), lr=a.lr, momentum=0.9, weight_decay=1e-3)
    dl = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True, drop_last=True)
    net, opt, dl = acc.prepare(net, opt, dl)
    ema = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.99), use_buffers=True)
    mix = torch.distributions.Beta(a.alpha, a.alpha)
    for ep in range(a.epochs):
        net.train()
        losses = []
        for xb, yb in dl:
            lam, perm = mix.sample().item(), torch.randperm(len(xb))
            with acc.accumulate(net):
                out = net(lam * xb + (1 - lam) * xb[perm])
                loss = lam * F.cross_entropy(out, yb) + (1 - lam) * F.cross_entropy(out, yb[perm])
                acc.backward(loss)
                opt.step()
                opt.zero_grad()
            if acc.sync_gradients:
                ema.update_parameters(net)
            losses.append(loss.item())
        ema.eval()
        with torch.no_grad():
            va = (ema(xv).argmax(1) == yv).float().mean().item()
        acc.print(f"epoch {ep} loss {sum(losses) / len(losses):.4f} min {min(losses):.3f} max {max(losses):.3f} clean acc {va:.3f}")


if __name__ == "__main__":
    main()
