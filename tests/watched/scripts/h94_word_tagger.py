"""Trains a sequence tagger with a conditional random field over words, accumulating two halves per step.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn

WORDS, TAGS = 60, 5
NEG = float("-inf")


class CRFTagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(WORDS, 24)
        self.rnn = nn.GRU(24, 24, batch_first=True, bidirectional=True)
        self.score = nn.Linear(48, TAGS)
        self.trans = nn.Parameter(torch.zeros(TAGS, TAGS))
        banned = torch.zeros(TAGS, TAGS, dtype=torch.bool)
        banned[0, 2] = banned[3, 1] = banned[4, 4] = True
        self.register_buffer("banned", banned)
        self.register_buffer("start", torch.tensor([0.0, 0.0, NEG, NEG, NEG]))

    def nll(self, words, tags):
        e = self.score(self.rnn(self.emb(words))[0])
        trans = self.trans.masked_fill(self.banned, NEG)
        alpha = self.start + e[:, 0]
        gold = self.start[tags[:, 0]] + e[:, 0].gather(1, tags[:, :1]).squeeze(1)
        for t in range(1, words.shape[1]):
            alpha = torch.logsumexp(alpha.unsqueeze(2) + trans, 1) + e[:, t]
            gold = gold + trans[tags[:, t - 1], tags[:, t]] + e[:, t].gather(1, tags[:, t:t + 1]).squeeze(1)
        return (torch.logsumexp(alpha, 1) - gold).mean()


def sample(n, length, model, g):
    ok = (~model.banned).float()
    tags = torch.randint(0, 2, (n, 1), generator=g)
    for _ in range(length - 1):
        tags = torch.cat([tags, torch.multinomial(ok[tags[:, -1]], 1, generator=g)], 1)
    own = tags * 12 + torch.randint(0, 12, tags.shape, generator=g)
    noise = torch.rand(tags.shape, generator=g) < 0.15
    return torch.where(noise, torch.randint(0, WORDS, tags.shape, generator=g), own), tags


torch.manual_seed(9)
g = torch.Generator().manual_seed(9)
model = CRFTagger()
opt = torch.optim.Adam(model.parameters(), lr=6e-3)
HALVES = 2
for step in range(110):
    length = 5 if step < 50 else 8 if step < 85 else 12
    opt.zero_grad()
    total = 0.0
    for _ in range(HALVES):
        loss = model.nll(*sample(16, length, model, g)) / HALVES
        loss.backward()
        total += loss.item()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    opt.step()
    if step % 10 == 0 or step == 109:
        print(f"step {step:3d} length {length} nll {total:.3f} per word {total / length:.3f} norm {norm:.2f}")
