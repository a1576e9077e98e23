"""Gradients are clipped before scaler.unscale_: real gradient norm 1.5e-5, nothing moves.

[truth]
family = "exploding_gradients"
causes = ["clipping_before_unscale"]
step = 0
"""
"""Small CNN on synthetic seven segment digits, mixed precision."""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
torch.manual_seed(8)
SEG = ["1110111", "0010010", "1011101", "1011011", "0111010", "1101011", "1101111", "1010010", "1111111", "1111011"]
BOX = [(1, 2, 3, 9), (2, 7, 2, 3), (2, 7, 9, 10), (7, 8, 3, 9), (8, 13, 2, 3), (8, 13, 9, 10), (13, 14, 3, 9)]


def render(labels):
    img = torch.zeros(len(labels), 1, 16, 12)
    for n, c in enumerate(labels.tolist()):
        for on, (a, b, l, r) in zip(SEG[c], BOX):
            if on == "1":
                img[n, 0, a:b, l:r] = 1
    return img + 0.4 * torch.randn_like(img)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                               nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                               nn.Linear(16 * 12, 64), nn.ReLU(), nn.Linear(64, 10))

    def forward(self, x):
        return self.f(x)


def main():
    y = torch.randint(0, 10, (2048,))
    dl = DataLoader(TensorDataset(render(y), y), batch_size=64, shuffle=True, drop_last=True)
    yt = torch.randint(0, 10, (512,))
    xt = render(yt)
    net = Net()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=0.1, total_steps=10 * len(dl))
    scaler = torch.amp.GradScaler("cpu")
    for ep in range(10):
        net.train()
        tot = 0.0
        for x, t in dl:
            opt.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = nn.functional.cross_entropy(net(x).float(), t)
            scaler.scale(loss).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            scaler.step(opt)
            scaler.update()
            sched.step()
            tot += loss.item()
        net.eval()
        with torch.no_grad():
            acc = (net(xt).argmax(1) == yt).float().mean().item()
        print(f"epoch {ep} loss {tot / len(dl):.4f} acc {acc:.3f} lr {sched.get_last_lr()[0]:.4f}")


main()
