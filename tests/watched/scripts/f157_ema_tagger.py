"""Trains a BiLSTM sequence tagger on generated bracket strings.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
"""
import copy
import random

import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

OPEN, CLOSE, FILL = "(", ")", "abcd"
VOCAB = {c: i + 1 for i, c in enumerate(OPEN + CLOSE + FILL)}
MAX_DEPTH = 4


class BracketDataset(Dataset):
    """Tag of each character = nesting depth (0..MAX_DEPTH)."""

    def __init__(self, n, seed):
        r = random.Random(seed)
        self.items = []
        for _ in range(n):
            depth, chars, tags = 0, [], []
            for _ in range(r.randint(10, 24)):
                c = r.choice([OPEN, CLOSE, r.choice(FILL)])
                if c == OPEN and depth < MAX_DEPTH:
                    depth += 1
                elif c == CLOSE and depth > 0:
                    depth -= 1
                else:
                    c = r.choice(FILL)
                chars.append(VOCAB[c])
                tags.append(depth)
            self.items.append((torch.tensor(chars), torch.tensor(tags)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, idx):
        return self.items[idx]


def collate(batch):
    xs, ys = zip(*batch)
    return (pad_sequence(xs, batch_first=True, padding_value=0),
            pad_sequence(ys, batch_first=True, padding_value=-100))


class Tagger(nn.Module):
    def __init__(self, emb=24, hid=48):
        super().__init__()
        self.embed = nn.Embedding(len(VOCAB) + 1, emb, padding_idx=0)
        self.lstm = nn.LSTM(emb, hid, bidirectional=True, batch_first=True)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(2 * hid, MAX_DEPTH + 1)

    def forward(self, x):
        h, _ = self.lstm(self.embed(x))
        return self.fc(self.drop(h))


class WithEMA(nn.Module):
    """Keeps an exponential moving average next to the live network."""

    def __init__(self, net, decay=0.98):
        super().__init__()
        self.net = copy.deepcopy(net)
        self.shadow = copy.deepcopy(net).requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self):
        for s, p in zip(self.shadow.parameters(), self.net.parameters()):
            s.mul_(self.decay).add_(p, alpha=1 - self.decay)

    def forward(self, x):
        return self.net(x) if self.training else self.shadow(x)


def accuracy(model, loader):
    model.eval()
    hit = tot = 0
    with torch.no_grad():
        for x, y in loader:
            m = y != -100
            hit += (model(x).argmax(-1)[m] == y[m]).sum().item()
            tot += m.sum().item()
    model.train()
    return hit / tot


def main():
    torch.manual_seed(11)
    train = DataLoader(BracketDataset(1600, 1), batch_size=32, shuffle=True, collate_fn=collate)
    dev = DataLoader(BracketDataset(300, 2), batch_size=100, collate_fn=collate)

    tagger = Tagger()
    optimizer = torch.optim.AdamW(tagger.parameters(), lr=3e-3)
    model = WithEMA(tagger)
    criterion = nn.CrossEntropyLoss(ignore_index=-100)

    for epoch in range(4):
        for step, (x, y) in enumerate(train):
            model.zero_grad()
            loss = criterion(model(x).transpose(1, 2), y)
            loss.backward()
            nn.utils.clip_grad_norm_(model.net.parameters(), 1.0)
            optimizer.step()
            model.update()
            if step % 25 == 0:
                print(f"epoch {epoch} step {step:3d} loss {loss.item():.4f}")
        print(f"epoch {epoch} dev acc {accuracy(model, dev):.3f}")


if __name__ == "__main__":
    main()
