"""Predicts a property of molecules; atoms attend to each other, absent atoms are masked.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 3
window = 0
phase = "forward"
"""
import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class AtomAttention(nn.Module):
    def __init__(self, d=16):
        super().__init__()
        self.embed = nn.Embedding(8, d, padding_idx=0)
        self.qkv = nn.Linear(d, 3 * d)
        self.out = nn.Linear(d, 1)
        self.d = d

    def forward(self, atoms):
        present = atoms > 0
        q, k, v = self.qkv(self.embed(atoms)).chunk(3, dim=-1)
        scores = q @ k.transpose(1, 2) / math.sqrt(self.d)
        scores = scores.masked_fill(~present[:, None, :], float("-inf"))
        attn = torch.softmax(scores, dim=-1)  # <- culprit
        ctx = (attn @ v) * present[..., None]
        return self.out(ctx.sum(1)).squeeze(-1)


def molecules(n=384, longest=9):
    sizes = torch.randint(2, longest + 1, (n,))
    sizes[250] = 0  # the parser could not read this formula
    atoms = torch.randint(1, 8, (n, longest))
    atoms[torch.arange(longest)[None] >= sizes[:, None]] = 0
    target = (atoms == 3).sum(1).float() - 0.5 * (atoms == 5).sum(1)
    return TensorDataset(atoms, target)


def main():
    torch.manual_seed(18)
    model = AtomAttention()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.01)
    huber = nn.HuberLoss()
    for epoch in range(6):
        for atoms, target in DataLoader(molecules(), batch_size=24, shuffle=True):
            loss = huber(model(atoms), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} huber {loss.item():.4f}")


if __name__ == "__main__":
    main()
