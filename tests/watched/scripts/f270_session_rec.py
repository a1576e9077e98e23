"""Fully masked softmax: sessions with an empty history get only -inf scores.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 15
phase = "forward"
among = [346, 837, 1876, 1930]
"""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader

N_ITEMS = 200
MAXLEN = 12


class Sessions(Dataset):
    def __init__(self, n=3000, seed=21):
        r = random.Random(seed)
        self.data = []
        for _ in range(n):
            topic = r.randrange(10)
            views = [topic * 20 + min(int(r.expovariate(0.2)), 19) for _ in range(r.randint(2, 30))]
            # keep only the views before the first purchase
            cut = len(views) - 1 if r.random() > 0.002 else 0
            self.data.append((views[:cut][-MAXLEN:], views[cut]))

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        h, t = self.data[i]
        ids = torch.zeros(MAXLEN, dtype=torch.long)
        ids[:len(h)] = torch.tensor(h, dtype=torch.long) + 1
        return ids, t


class AttnRec(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.items = nn.Embedding(N_ITEMS + 1, d, padding_idx=0)
        self.q = nn.Parameter(torch.randn(d) * 0.1)
        self.k = nn.Linear(d, d)
        self.ff = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, d))

    def forward(self, ids):
        e = self.items(ids)
        score = self.k(e) @ self.q
        score = score.masked_fill(ids == 0, float("-inf"))
        w = torch.softmax(score, dim=-1)  # <- culprit
        u = (w.unsqueeze(-1) * e).sum(1)
        return self.ff(u) @ self.items.weight[1:].t()


def train():
    torch.set_num_threads(1)
    torch.manual_seed(4)
    loader = DataLoader(Sessions(), batch_size=32, shuffle=True)
    model = AttnRec()
    optim = torch.optim.Adagrad(model.parameters(), lr=0.05)
    for ep in range(6):
        s = 0
        for ids, t in loader:
            optim.zero_grad()
            loss = F.cross_entropy(model(ids), t)
            loss.backward()
            optim.step()
            s += loss.item()
        print("epoch", ep, "loss", s / len(loader))


if __name__ == "__main__":
    train()
