"""Factorisation of customer spend (in cents) with sparse embeddings and two optimizers.

[truth]
family = "healthy"
causes = []
"""
import numpy as np
import torch
from torch import nn
from tqdm import tqdm


class SpendModel(nn.Module):
    def __init__(self, n_cust, n_shop, rank=6, level=0.0):
        super().__init__()
        self.cust = nn.Embedding(n_cust, rank, sparse=True)
        self.shop = nn.Embedding(n_shop, rank, sparse=True)
        self.scale = nn.Parameter(torch.tensor(1000.0))
        self.level = nn.Parameter(torch.tensor(level))
        nn.init.normal_(self.cust.weight, std=0.4)
        nn.init.normal_(self.shop.weight, std=0.4)

    def forward(self, c, s):
        return self.level + self.scale * (self.cust(c) * self.shop(s)).sum(1)


def purchases(n=12000, n_cust=300, n_shop=150, seed=41):
    rng = np.random.default_rng(seed)
    c, s = rng.integers(0, n_cust, n), (n_shop * rng.beta(1, 3, n)).astype(int)
    taste, offer = rng.normal(size=(n_cust, 3)), rng.normal(size=(n_shop, 3))
    cents = 4000 + 900 * (taste[c] * offer[s]).sum(1) + 200 * rng.standard_t(4, n)
    return torch.from_numpy(c), torch.from_numpy(s), torch.tensor(cents, dtype=torch.float32)


def main():
    torch.manual_seed(41)
    c, s, cents = purchases()
    model = SpendModel(300, 150, level=float(cents.mean()))
    sparse_opt = torch.optim.SparseAdam([model.cust.weight, model.shop.weight], lr=0.02)
    dense_opt = torch.optim.Adam([model.scale, model.level], lr=1.0)
    bar = tqdm(range(8), disable=True)
    for epoch in bar:
        total = 0.0
        for b in torch.randperm(len(c)).split(200):
            loss = nn.functional.mse_loss(model(c[b], s[b]), cents[b])
            sparse_opt.zero_grad()
            dense_opt.zero_grad()
            loss.backward()
            sparse_opt.step()
            dense_opt.step()
            total += loss.item() * len(b)
        print(f"epoch {epoch}: rmse {np.sqrt(total / len(c)):.1f} cents")


if __name__ == "__main__":
    main()
