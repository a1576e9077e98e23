"""Averages word vectors of reviews and classifies their sentiment.

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 19
window = 0
phase = "forward"
"""
import random

import torch
from torch import nn
from torch.utils.data import DataLoader

WORDS = ["good", "fine", "great", "bad", "awful", "poor", "film", "plot", "actor", "scene"]
PAD, SEP = 0, len(WORDS) + 1
random.seed(70)
torch.manual_seed(70)


def make_review(k):
    label = k % 2
    pool = WORDS[:3] if label else WORDS[3:6]
    text = random.choices(pool, k=2) + random.choices(WORDS[6:], k=random.randint(1, 6))
    if k == 171:
        text = []  # the reviewer left stars only
    return " ".join(text), label


def encode(batch):
    ids = torch.full((len(batch), 10), PAD)
    for row, (text, _) in enumerate(batch):
        for col, word in enumerate(text.split()):
            ids[row, col] = WORDS.index(word) + 1
    return ids, torch.tensor([label for _, label in batch])


class BagOfWords(nn.Module):
    def __init__(self, dim=16):
        super().__init__()
        self.embed = nn.Embedding(SEP + 1, dim, padding_idx=PAD)
        self.head = nn.Linear(dim, 2)

    def forward(self, ids):
        keep = (ids != PAD).float().unsqueeze(-1)
        pooled = (self.embed(ids) * keep).sum(1) / keep.sum(1)  # <- culprit
        return self.head(pooled)


reviews = [make_review(k) for k in range(240)]
loader = DataLoader(reviews, batch_size=12, shuffle=True, collate_fn=encode)
model = BagOfWords()
opt = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(4):
    correct = 0
    for ids, labels in loader:
        logits = model(ids)
        loss = nn.functional.cross_entropy(logits, labels)
        opt.zero_grad()
        loss.backward()
        opt.step()
        correct += (logits.argmax(1) == labels).sum().item()
    print(f"epoch {epoch}: loss {loss:.3f}, accuracy {correct / len(reviews):.3f}")
