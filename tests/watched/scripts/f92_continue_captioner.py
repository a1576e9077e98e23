"""Continues the training of a small sequence model from a checkpoint on disk.

[truth]
family = "corrupted_state"
causes = ["nonfinite_from_the_start", "corrupted_weights"]
step = 0
window = 0
phase = "state"
"""
import pathlib
import tempfile

import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self, vocab=30, tags=4, d=16):
        super().__init__()
        self.emb = nn.Embedding(vocab, d)
        self.rnn = nn.LSTM(d, d, batch_first=True)
        self.out = nn.Linear(d, tags)

    def forward(self, ids):
        return self.out(self.rnn(self.emb(ids))[0])


def leave_checkpoint(path):
    """What the first run, which had ended badly, left behind."""
    torch.manual_seed(1)
    state = Tagger().state_dict()
    state["rnn.weight_hh_l0"][5, 3] = float("nan")
    torch.save({"model": state, "epoch": 3}, path)


def main():
    folder = pathlib.Path(tempfile.mkdtemp())
    leave_checkpoint(folder / "last.pt")
    checkpoint = torch.load(folder / "last.pt")
    model = Tagger()
    model.load_state_dict(checkpoint["model"])
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    gen = torch.Generator().manual_seed(3)
    for step in range(60):
        ids = torch.randint(0, 30, (12, 7), generator=gen)
        tags = ids % 4
        loss = nn.functional.cross_entropy(model(ids).flatten(0, 1), tags.flatten())
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 10 == 0:
            print(f"epoch {checkpoint['epoch']} step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
