"""BiGRU tagger that marks drug mentions in short clinical notes.

[truth]
family = "bad_data"
causes = ["empty_targets", "division_by_zero"]
step = 51
window = 0
phase = "loss"
samples = [408, 409, 410, 411, 412, 413, 414, 415]
"""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

PAD, UNLABELLED = 0, -100
VOCAB, TAGS = 120, 3


def build_notes(n=640):
    rnd = random.Random(8)
    notes, tags = [], []
    for i in range(n):
        length = rnd.randint(5, 18)
        words = [rnd.randint(1, VOCAB - 1) for _ in range(length)]
        lab = []
        for t, w in enumerate(words):
            if w < 15:
                lab.append(1)
            elif t and words[t - 1] < 15 and w % 2 == 0:
                lab.append(2)
            else:
                lab.append(0)
        if rnd.random() < 0.05 or 408 <= i < 425:
            lab = [UNLABELLED] * length
        notes.append(torch.tensor(words))
        tags.append(torch.tensor(lab))
    return notes, tags


class Tagger(nn.Module):
    def __init__(self, emb=24, hid=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, emb, padding_idx=PAD)
        self.rnn = nn.GRU(emb, hid, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hid, TAGS)

    def forward(self, ids):
        h, _ = self.rnn(self.emb(ids))
        return self.out(h)


def batches(notes, tags, size):
    for s in range(0, len(notes), size):
        yield (pad_sequence(notes[s:s + size], batch_first=True, padding_value=PAD),
               pad_sequence(tags[s:s + size], batch_first=True, padding_value=UNLABELLED))


def run():
    torch.manual_seed(21)
    notes, tags = build_notes()
    model = Tagger()
    crit = nn.CrossEntropyLoss(reduction="none")
    opt = torch.optim.Adam(model.parameters(), lr=5e-3)
    k = 0
    for epoch in range(3):
        for ids, y in batches(notes, tags, 8):
            opt.zero_grad()
            logits = model(ids)
            keep = (y != UNLABELLED).float()
            per_word = crit(logits.transpose(1, 2), y.clamp(min=0))
            loss = (per_word * keep).sum() / keep.sum()  # <- culprit
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            if k % 10 == 0:
                print({"epoch": epoch, "step": k, "loss": round(loss.item(), 4)})
            k += 1


run()
