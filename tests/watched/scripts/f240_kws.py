"""Loss 1.8 -> 1.02 by step 13, NaN at step 14 in ClipNorm.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain", "undefined_operation"]
step = 14
phase = "forward"
"""
"""Key word spotting on log-mel patches (synthetic).  Classes: 5 words + "_silence_"."""
import argparse
import torch
import torch.nn as nn
import torch.nn.functional as F


class ClipNorm(nn.Module):
    """Per-clip mean/variance normalisation, in one pass over the data; learnable gain."""

    def __init__(self, n_mel, eps=1e-8):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(n_mel, 1))
        self.shift = nn.Parameter(torch.zeros(n_mel, 1))
        self.eps = eps

    def forward(self, x):
        n = x.shape[1] * x.shape[2]
        s1 = x.sum(dim=(1, 2), keepdim=True) / n
        s2 = (x * x).sum(dim=(1, 2), keepdim=True) / n
        std = torch.sqrt(s2 - s1 * s1 + self.eps)  # <- culprit
        return (x - s1) / std * self.gain + self.shift


class KWS(nn.Module):
    def __init__(self, n_mel=16, n_cls=6):
        super().__init__()
        self.norm = ClipNorm(n_mel)
        self.c1 = nn.Conv1d(n_mel, 32, 5, padding=2)
        self.c2 = nn.Conv1d(32, 32, 5, padding=2, stride=2)
        self.fc = nn.Linear(32, n_cls)

    def forward(self, x):
        h = F.relu(self.c1(self.norm(x)))
        h = F.relu(self.c2(h))
        return self.fc(h.mean(-1))


def synthesize(n, gen, n_mel=16, frames=32):
    """returns log-mel patches in dB and labels"""
    tracks = torch.rand(5, 4, generator=gen)
    X, Y = [], []
    f = torch.arange(n_mel)[:, None] / n_mel
    t = torch.linspace(0, 1, frames)[None]
    for _ in range(n):
        y = int(torch.multinomial(torch.tensor([.194, .194, .194, .194, .194, .03]), 1, generator=gen))
        floor = -80 + 3 * torch.randn(1, generator=gen)
        if y < 5:
            a, b, c, d = tracks[y]
            centre = a + (b - a) * t + 0.1 * c * torch.sin(6.28 * t * (1 + 3 * d))
            power = 35 * torch.exp(-((f - centre) / 0.12) ** 2)
            x = floor + power + 4 * torch.randn(n_mel, frames, generator=gen)
        elif torch.rand(1, generator=gen) < 0.8:
            x = floor + 4 * torch.randn(n_mel, frames, generator=gen)
        else:
            x = floor + 1e-4 * torch.randn(n_mel, frames, generator=gen)      # muted microphone: dither only
        X.append(x)
        Y.append(y)
    return torch.stack(X), torch.tensor(Y)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--n", type=int, default=2400)
    p.add_argument("--bs", type=int, default=32)
    p.add_argument("--epochs", type=int, default=4)
    p.add_argument("--seed", type=int, default=5)
    a = p.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(a.seed)
    gen = torch.Generator().manual_seed(a.seed)
    X, Y = synthesize(a.n, gen)
    net = KWS()
    opt = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    sch = torch.optim.lr_scheduler.CosineAnnealingLR(opt, a.epochs)
    for ep in range(a.epochs):
        perm = torch.randperm(a.n, generator=gen)
        ok, tot = 0, 0.0
        for i in range(0, a.n, a.bs):
            j = perm[i:i + a.bs]
            out = net(X[j])
            loss = F.cross_entropy(out, Y[j])
            opt.zero_grad()
            loss.backward()
            opt.step()
            ok += (out.argmax(1) == Y[j]).sum().item()
            tot += loss.item() * len(j)
        sch.step()
        print(f"epoch {ep}: loss {tot / a.n:.4f}, accuracy {ok / a.n:.3f}")


if __name__ == "__main__":
    main()
