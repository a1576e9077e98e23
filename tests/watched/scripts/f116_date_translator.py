"""GRU encoder-decoder that rewrites human dates ("5 march 2011") as ISO dates, with gradient accumulation.

[truth]
family = "exploding_gradients"
causes = ["undivided_accumulation"]
step = 2
window = 2
"""
import random
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

MONTHS = "january february march april may june july august september october november december".split()
CHARS = ["<pad>", "<s>"] + list("abcdefghijklmnopqrstuvwxyz0123456789- ")
C2I = {c: i for i, c in enumerate(CHARS)}


@dataclass
class Config:
    hidden: int = 48
    emb: int = 32
    micro_batch: int = 8
    accumulate: int = 16
    lr: float = 0.3
    momentum: float = 0.9
    optimizer_steps: int = 24
    seed: int = 3


class Dates(Dataset):
    def __init__(self, n, seed):
        r = random.Random(seed)
        self.items = []
        for _ in range(n):
            d, m, y = r.randint(1, 28), r.randint(1, 12), r.randint(1950, 2030)
            src = f"{d} {MONTHS[m - 1]} {y}"
            tgt = f"{y:04d}-{m:02d}-{d:02d}"
            self.items.append(([C2I[c] for c in src.ljust(18)], [1] + [C2I[c] for c in tgt]))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        s, t = self.items[i]
        return torch.tensor(s), torch.tensor(t)


class Seq2Seq(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.emb = nn.Embedding(len(CHARS), cfg.emb)
        self.enc = nn.GRU(cfg.emb, cfg.hidden, batch_first=True)
        self.dec = nn.GRU(cfg.emb, cfg.hidden, batch_first=True)
        self.attn = nn.Linear(cfg.hidden, cfg.hidden, bias=False)
        self.out = nn.Linear(2 * cfg.hidden, len(CHARS))

    def forward(self, src, tgt_in):
        memory, h = self.enc(self.emb(src))
        dec, _ = self.dec(self.emb(tgt_in), h)
        scores = self.attn(dec) @ memory.transpose(1, 2)
        context = scores.softmax(-1) @ memory
        return self.out(torch.cat([dec, context], -1))


def main():
    cfg = Config()
    torch.manual_seed(cfg.seed)
    loader = DataLoader(Dates(4000, cfg.seed), batch_size=cfg.micro_batch, shuffle=True, drop_last=True)
    model = Seq2Seq(cfg)
    opt = torch.optim.SGD(model.parameters(), lr=cfg.lr, momentum=cfg.momentum)
    criterion = nn.CrossEntropyLoss(ignore_index=0)
    done, running = 0, 0.0
    opt.zero_grad()
    for i, (src, tgt) in enumerate(loader, 1):
        logits = model(src, tgt[:, :-1])
        loss = criterion(logits.reshape(-1, len(CHARS)), tgt[:, 1:].reshape(-1))
        loss.backward()
        running += loss.item() / cfg.accumulate
        if i % cfg.accumulate == 0:
            opt.step()
            opt.zero_grad()
            done += 1
            print("update", done, "loss", round(running, 4))
            running = 0.0
            if done == cfg.optimizer_steps:
                break


if __name__ == "__main__":
    main()
