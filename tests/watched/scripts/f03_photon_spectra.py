"""Classifies detector spectra; the data set takes logarithms of counts in worker processes.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 2
window = 0
phase = "input"
samples = [88]
"""
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

N_BINS = 16


class SpectrumDataset(Dataset):
    """Poisson counts in 16 energy bins, three source classes."""

    def __init__(self, size=300, seed=11):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(0, 3, size=size)
        base = 30 + 20 * np.stack([np.roll(np.hanning(N_BINS), 4 * k) for k in range(3)])
        self.counts = rng.poisson(base[self.labels]).astype(np.float32)
        self.counts[88, 9] = 0  # bin lost in the read-out

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        with np.errstate(divide="ignore"):
            x = np.log(self.counts[i]) - 3.5
        return torch.from_numpy(x), int(self.labels[i])


def accuracy(logits, y):
    return (logits.argmax(1) == y).float().mean().item()


def main():
    torch.manual_seed(1)
    data = SpectrumDataset()
    loader = DataLoader(
        data, batch_size=20, shuffle=True, num_workers=2,
        generator=torch.Generator().manual_seed(4),
    )
    model = nn.Sequential(
        nn.Linear(N_BINS, 40), nn.GELU(), nn.LayerNorm(40), nn.Linear(40, 3)
    )
    opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    loss_fn = nn.CrossEntropyLoss()
    for epoch in range(3):
        running, acc = 0.0, 0.0
        for x, y in loader:
            logits = model(x)  # <- culprit
            loss = loss_fn(logits, y)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            running += loss.item()
            acc += accuracy(logits, y)
        print(f"[{epoch}] loss={running / len(loader):.4f} acc={acc / len(loader):.3f}")


if __name__ == "__main__":
    main()
