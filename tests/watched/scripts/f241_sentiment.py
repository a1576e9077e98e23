"""Row <pad> of the word vectors is 0, its normalisation is 0/0, so emb.weight[0] is NaN before the
first update.

[truth]
family = "corrupted_state"
causes = ["nonfinite_from_the_start"]
step = 5
window = 5
"""
# Sentiment with pre-trained word vectors (self-made here: SVD of a co-occurrence matrix)
import random
import numpy as np
import torch
import torch.nn as nn

random.seed(13)
np.random.seed(13)
torch.manual_seed(13)
torch.set_num_threads(1)

PAD = 0
good = ['good', 'great', 'superb', 'lovely', 'fun', 'clever', 'moving', 'brilliant']
bad = ['bad', 'awful', 'boring', 'dull', 'silly', 'clumsy', 'tedious', 'weak']
neutral = ['w%d' % i for i in range(150)]
vocab = ['<pad>'] + good + bad + neutral
idx = {w: i for i, w in enumerate(vocab)}


def review():
    y = random.randint(0, 1)
    n = random.choice([6, 8, 8, 8, 10, 12, 16])
    words = []
    for _ in range(n):
        r = random.random()
        words.append(random.choice((good if y else bad) if r < 0.3 else (bad if y else good) if r < 0.37 else neutral))
    return [idx[w] for w in words], y


corpus = [review() for _ in range(2500)]

# ---- word vectors ---------------------------------------------------------
C = np.zeros((len(vocab), len(vocab)), dtype=np.float64)
for words, _ in corpus:
    for i, w in enumerate(words):
        for v in words[max(0, i - 4):i]:
            C[w, v] += 1
            C[v, w] += 1
U, S, _ = np.linalg.svd(np.log1p(C))
vectors = U[:, :24] * np.sqrt(S[:24])
vectors[PAD] = 0
vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)        # cosine geometry
vectors = torch.tensor(vectors, dtype=torch.float32)


# ---- batches of (almost) equal length, to save padding ----------------------
def bucketed(data, bs):
    data = sorted(data, key=lambda r: len(r[0]))
    chunks = [data[i:i + bs] for i in range(0, len(data), bs)]
    random.shuffle(chunks)
    for ch in chunks:
        L = max(len(w) for w, _ in ch)
        x = torch.full((len(ch), L), PAD)
        for r, (w, _) in enumerate(ch):
            x[r, :len(w)] = torch.tensor(w)
        yield x, torch.tensor([float(y) for _, y in ch])


class BiLSTM(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding.from_pretrained(vectors, freeze=False, padding_idx=PAD)
        self.lstm = nn.LSTM(24, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, 1)

    def forward(self, x):
        h, _ = self.lstm(self.emb(x))
        return self.fc(h.max(dim=1).values).squeeze(1)


model = BiLSTM()
opt = torch.optim.Adam(model.parameters(), lr=3e-3)
crit = nn.BCEWithLogitsLoss()
for epoch in range(1, 5):
    losses, hits = [], 0
    for x, y in bucketed(corpus, 25):
        opt.zero_grad()
        logit = model(x)
        loss = crit(logit, y)
        loss.backward()
        opt.step()
        losses.append(loss.item())
        hits += ((logit > 0).float() == y).sum().item()
    print('epoch', epoch, 'loss', np.mean(losses), 'acc', hits / len(corpus))
