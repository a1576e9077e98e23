"""Trains a toy translator and decodes with beam search between the epochs.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn

V, L = 12, 6


class Translator(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.src = nn.Embedding(V, d)
        self.tgt = nn.Embedding(V + 1, d)
        self.enc = nn.GRU(d, d, batch_first=True)
        self.dec = nn.GRU(d, d, batch_first=True)
        self.out = nn.Linear(d, V)

    def forward(self, src, prefix):
        _, h = self.enc(self.src(src))
        y, _ = self.dec(self.tgt(prefix), h)
        return self.out(y)


@torch.no_grad()
def beam(model, src, width=3):
    scores = torch.full((width,), float("-inf"))
    scores[0] = 0.0
    prefix = torch.full((width, 1), V)
    for _ in range(L):
        logp = model(src.expand(width, -1), prefix)[:, -1].log_softmax(-1)
        logp[:, 0] = float("-inf")  # symbol 0 is never written
        total = scores[:, None] + logp
        scores, flat = total.flatten().topk(width)
        prefix = torch.cat([prefix[flat // V], (flat % V)[:, None]], 1)
    return prefix[0, 1:], scores[0].item()


torch.manual_seed(4)
model = Translator()
opt = torch.optim.Adam(model.parameters(), lr=1e-2)
for epoch in range(5):
    for _ in range(25):
        src = torch.randint(1, V, (24, L))
        tgt = src.flip(1)
        prefix = torch.cat([torch.full((24, 1), V), tgt[:, :-1]], 1)
        loss = nn.functional.cross_entropy(model(src, prefix).transpose(1, 2), tgt)
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
    words, score = beam(model, src[:1])
    print(f"epoch {epoch} loss {loss.item():.3f} beam {words.tolist()} ({score:.2f})")
