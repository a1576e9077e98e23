"""BiLSTM part-of-speech tagger on a toy language.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 20
window = 20
"""
import numpy as np
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

np.random.seed(11)
torch.manual_seed(11)

N_WORDS, N_TAGS = 400, 9
word_tag = np.random.randint(0, N_TAGS, N_WORDS)          # lexical preference
transitions = np.random.dirichlet(np.ones(N_TAGS) * 0.4, N_TAGS)
by_tag = [np.flatnonzero(word_tag == t) for t in range(N_TAGS)]


def make_sentence():
    n = np.random.randint(5, 16)
    tags = [np.random.randint(N_TAGS)]
    for _ in range(n - 1):
        tags.append(np.random.choice(N_TAGS, p=transitions[tags[-1]]))
    words = [np.random.choice(by_tag[t]) if np.random.rand() > 0.1 else np.random.randint(N_WORDS) for t in tags]
    return torch.tensor(words) + 1, torch.tensor(tags)


train = [make_sentence() for _ in range(1600)]
dev = [make_sentence() for _ in range(200)]


def collate(batch):
    batch = sorted(batch, key=lambda b: -len(b[0]))
    lengths = torch.tensor([len(w) for w, _ in batch])
    words = pad_sequence([w for w, _ in batch], batch_first=True)
    tags = pad_sequence([t for _, t in batch], batch_first=True, padding_value=-100)
    return words, lengths, tags


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(N_WORDS + 1, 50, padding_idx=0)
        self.lstm = nn.LSTM(50, 24, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(48, N_TAGS)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.emb(words), lengths, batch_first=True)
        h, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.fc(h)


tagger = Tagger()
sgd = torch.optim.SGD(tagger.parameters(), lr=3.0)
ce = nn.CrossEntropyLoss(ignore_index=-100)


def accuracy(sentences):
    tagger.eval()
    with torch.no_grad():
        w, l, t = collate(sentences)
        p = tagger(w, l).argmax(-1)
    tagger.train()
    keep = t != -100
    return (p[keep] == t[keep]).float().mean().item()


for epoch in range(4):
    order = np.random.permutation(len(train))
    total = 0.0
    for start in range(0, len(order), 32):
        words, lengths, tags = collate([train[i] for i in order[start : start + 32]])
        loss = ce(tagger(words, lengths).transpose(1, 2), tags)
        loss.backward()
        sgd.step()
        total += loss.item()
    print(f"epoch {epoch}  train loss {total / 50:.3f}  dev acc {accuracy(dev):.3f}")
