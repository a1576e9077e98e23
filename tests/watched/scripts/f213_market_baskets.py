"""Trains item embeddings that guess the item left out of a shopping basket.

[truth]
family = "bad_data"
causes = ["index_out_of_range"]
step = 29
samples = [2917]
"""
import argparse

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Baskets(Dataset):
    def __init__(self, n, n_items, size, seed):
        g = torch.Generator().manual_seed(seed)
        aisle = torch.randint(0, n_items // 20, (n, 1), generator=g)
        self.rows = aisle * 20 + torch.randint(0, 20, (n, size), generator=g)
        self.rows[2917, 3] = n_items

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        row = self.rows[i]
        return row[1:], row[0]


class BasketModel(nn.Module):
    def __init__(self, n_items, dim):
        super().__init__()
        self.items = nn.Embedding(n_items, dim)
        self.out = nn.Linear(dim, n_items)

    def forward(self, others):
        pooled = self.items(others).mean(1)  # <- culprit
        return self.out(pooled)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--items", type=int, default=400)
    ap.add_argument("--baskets", type=int, default=6000)
    ap.add_argument("--dim", type=int, default=32)
    ap.add_argument("--batch", type=int, default=32)
    ap.add_argument("--epochs", type=int, default=3)
    ap.add_argument("--lr", type=float, default=0.01)
    ap.add_argument("--seed", type=int, default=12)
    args = ap.parse_args()

    torch.manual_seed(args.seed)
    data = Baskets(args.baskets, args.items, 6, args.seed)
    loader = DataLoader(data, batch_size=args.batch, shuffle=True)
    model = BasketModel(args.items, args.dim)
    opt = torch.optim.AdamW(model.parameters(), lr=args.lr)
    for epoch in range(args.epochs):
        total = 0.0
        for others, target in loader:
            loss = F.cross_entropy(model(others), target)
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += loss.item()
        print(f"epoch {epoch}: {total / len(loader):.3f}")


if __name__ == "__main__":
    main()
