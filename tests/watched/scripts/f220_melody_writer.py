"""Trains a next-note model of melodies with Accelerate and gradient accumulation.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_schedule"]
step = 50
window = 20
"""
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

NOTES, CONTEXT = 20, 8


def melodies(n):
    g = torch.Generator().manual_seed(15)
    start = torch.randint(0, NOTES, (n, 1), generator=g)
    hop = torch.randint(1, 4, (n, 1), generator=g)
    t = torch.arange(CONTEXT + 1)
    notes = (start + hop * t + (t % 3 == 2)) % NOTES
    off = torch.rand(notes.shape, generator=g) < 0.1
    notes = torch.where(off, torch.randint(0, NOTES, notes.shape, generator=g), notes)
    return notes[:, :-1], notes[:, -1]


class NoteNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(NOTES, 16)
        self.mix = nn.Sequential(
            nn.Linear(16 * CONTEXT, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, NOTES))

    def forward(self, x):
        return self.mix(self.emb(x).flatten(1))


def warmup(step, n=20):
    return (step + 1) / n


def main():
    set_seed(15)
    acc = Accelerator(cpu=True, gradient_accumulation_steps=2)
    loader = DataLoader(TensorDataset(*melodies(6400)), batch_size=16, shuffle=True)
    model = NoteNet()
    opt = torch.optim.SGD(model.parameters(), lr=0.08, momentum=0.9, weight_decay=1e-4)
    sched = torch.optim.lr_scheduler.LambdaLR(opt, warmup)
    model, opt, loader, sched = acc.prepare(model, opt, loader, sched)
    for epoch in range(1):
        for i, (x, y) in enumerate(loader):
            with acc.accumulate(model):
                loss = nn.functional.cross_entropy(model(x), y)
                acc.backward(loss)
                opt.step()
                sched.step()
                opt.zero_grad()
            if i % 50 == 0:
                acc.print(f"epoch {epoch} batch {i} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
