"""The checkpoint holds Adagrad's accumulators but load() does not restore them, and the warm-up is
over.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 501
window = 1
"""
"""Conv sequence classifier; job is preempted in the middle and continues from its checkpoint.
Adagrad with a warm-up of the learning rate."""
import io
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)


WARMUP, LR = 200, 0.1


def lr_at(it):
    return LR * min(1.0, (it + 1) / WARMUP) ** 2


def build():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(4, 24, 5, padding=2), nn.ReLU(), nn.Conv1d(24, 24, 5, padding=2), nn.Tanh(),
                         nn.Conv1d(24, 24, 3, padding=1), nn.Tanh(), nn.Conv1d(24, 24, 3, padding=1), nn.Tanh(),
                         nn.AdaptiveAvgPool1d(4), nn.Flatten(), nn.Linear(96, 5))


def batches(gen):
    motif = torch.randn(5, 4, 6, generator=torch.Generator().manual_seed(100))
    while True:
        y = torch.randint(0, 5, (32,), generator=gen)
        x = torch.randn(32, 4, 40, generator=gen)
        pos = torch.randint(0, 34, (32,), generator=gen)
        for b in range(32):
            x[b, :, pos[b]:pos[b] + 6] += 1.3 * motif[y[b]]
        yield x, y


def train(model, opt, stream, start, stop):
    for it in range(start, stop):
        x, y = next(stream)
        loss = F.cross_entropy(model(x), y)
        opt.param_groups[0]["lr"] = lr_at(it)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 20 == 0 or it == stop - 1:
            print(f"iter {it} loss {loss.item():.4f}")


def save(model, opt, it):
    buf = io.BytesIO()
    torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "iter": it}, buf)
    return buf


def load(buf):
    buf.seek(0)
    ck = torch.load(buf)
    model = build()
    model.load_state_dict(ck["model"])
    opt = torch.optim.Adagrad(model.parameters(), lr=LR)
    return model, opt, ck["iter"]


if __name__ == "__main__":
    stream = batches(torch.Generator().manual_seed(1))
    model = build()
    opt = torch.optim.Adagrad(model.parameters(), lr=LR)
    train(model, opt, stream, 0, 500)
    ckpt = save(model, opt, 500)
    print("preempted, resuming")
    model, opt, it = load(ckpt)
    train(model, opt, stream, it, 640)
