"""n_items = number of distinct ids (398), but ids are not contiguous (two discontinued items), the
largest id is 400.

[truth]
family = "bad_data"
causes = ["index_out_of_range"]
step = 27
among = [126, 241, 299, 591, 674, 737, 1064, 1102, 1516, 1603]
"""
import math, random, collections
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

# next-item recommendation, SASRec style with sampled negatives
random.seed(2024); torch.manual_seed(2024); torch.set_num_threads(1)
MAXLEN = 12


def make_log(n_users=2000, catalogue=400):
    """session log of a web shop; item ids are the ids of the shop's data base"""
    weights = [1 / (k + 3) for k in range(catalogue)]
    ids = list(range(1, catalogue + 1))
    discontinued = set(random.sample(ids[20:], 2))             # never sold in this period
    alive = [i for i in ids if i not in discontinued]
    w = [weights[i - 1] for i in alive]
    log = []
    for u in range(n_users):
        first = random.choices(alive, w)[0]
        s = [first]
        for _ in range(random.randint(4, 20)):
            if random.random() < 0.6:
                s.append(alive[(alive.index(s[-1]) * 7 + 3) % 150])     # complementary item
            else:
                s.append(random.choices(alive, w)[0])
        log.append(s)
    return log


class Sessions(Dataset):
    def __init__(self, log):
        self.log = log
        counts = collections.Counter(i for s in log for i in s)
        self.n_items = len(counts)

    def __len__(self):
        return len(self.log)

    def __getitem__(self, u):
        s = self.log[u][-(MAXLEN + 1):]
        x, y = s[:-1], s[1:]
        pad = [0] * (MAXLEN - len(x))
        neg = [random.randint(1, self.n_items) if t else 0 for t in pad + y]
        return torch.tensor(pad + x), torch.tensor(pad + y), torch.tensor(neg)


class SASRec(nn.Module):
    def __init__(self, n_items, d=32, heads=2):
        super().__init__()
        self.item = nn.Embedding(n_items + 1, d, padding_idx=0)
        self.pos = nn.Embedding(MAXLEN, d)
        layer = nn.TransformerEncoderLayer(d, heads, 64, dropout=0.1, batch_first=True, norm_first=True)
        self.enc = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.register_buffer("mask", torch.triu(torch.ones(MAXLEN, MAXLEN, dtype=torch.bool), 1))

    def forward(self, x):
        h = self.item(x) * math.sqrt(self.item.embedding_dim) * 0.2 + self.pos.weight
        return self.enc(h, mask=self.mask)

    def score(self, h, i):
        return (h * self.item(i)).sum(-1)


data = Sessions(make_log())
loader = DataLoader(data, batch_size=16, shuffle=True)
model = SASRec(data.n_items)
opt = torch.optim.Adam(model.parameters(), lr=2e-3, betas=(0.9, 0.98))
print(len(data), "sessions,", data.n_items, "items")

for epoch in range(3):
    for b, (x, y, n) in enumerate(loader):
        h = model(x)
        valid = (y > 0).float()
        pos, neg = model.score(h, y), model.score(h, n)
        l = -(nn.functional.logsigmoid(pos) + nn.functional.logsigmoid(-neg)) * valid
        loss = l.sum() / valid.sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if b % 25 == 0:
            auc = ((pos > neg).float() * valid).sum() / valid.sum()
            print(f"epoch {epoch} batch {b:3d} loss {loss.item():.4f} pos>neg {auc.item():.3f}")
