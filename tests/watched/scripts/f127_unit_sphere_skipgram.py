"""Skip-gram word vectors with periodic projection of the table onto the unit sphere.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 80
window = 0
phase = "state"
"""
import random

import torch
import torch.nn as nn
import torch.nn.functional as F

random.seed(2)
torch.manual_seed(2)

TOPICS, WORDS_PER_TOPIC, PAD = 12, 20, 0
VOCAB = TOPICS * WORDS_PER_TOPIC + 1
CONTEXT = 4


def window():
    topic = random.randrange(TOPICS)
    words = [1 + topic * WORDS_PER_TOPIC + random.randrange(WORDS_PER_TOPIC) for _ in range(CONTEXT + 1)]
    missing = random.choice([0, 0, 0, 1, 2])            # windows cut by the sentence border
    ctx = words[1:][: CONTEXT - missing] + [PAD] * missing
    return words[0], ctx


class SkipGram(nn.Module):
    def __init__(self, vocab, dim):
        super().__init__()
        self.center = nn.Embedding(vocab, dim, padding_idx=PAD)
        self.context = nn.Embedding(vocab, dim, padding_idx=PAD)

    def forward(self, c, ctx, neg):
        v = self.center(c).unsqueeze(1)
        pos = 6 * (v * self.context(ctx)).sum(-1)
        negs = 6 * (v * self.context(neg)).sum(-1)
        keep = (ctx != PAD).float()
        return -(F.logsigmoid(pos) * keep).sum() / keep.sum() - F.logsigmoid(-negs).mean()

    @torch.no_grad()
    def renormalize(self):
        for table in (self.center, self.context):
            w = table.weight
            w.div_(w.norm(dim=1, keepdim=True))  # <- culprit


def train(steps=240, batch=64, renorm_every=80):
    net = SkipGram(VOCAB, 32)
    for e in (net.center, net.context):
        e.weight.data.mul_(0.2)
    opt = torch.optim.Adam(net.parameters(), lr=0.01)
    log = []
    for step in range(1, steps + 1):
        c, ctx = zip(*(window() for _ in range(batch)))
        neg = torch.randint(1, VOCAB, (batch, 8))
        loss = net(torch.tensor(c), torch.tensor(ctx), neg)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % renorm_every == 0:
            net.renormalize()
        log.append(loss.item())
        if step % 40 == 0:
            print(step, sum(log[-40:]) / 40)
    return net


if __name__ == "__main__":
    train()
