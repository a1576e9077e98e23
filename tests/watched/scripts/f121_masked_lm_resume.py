"""Masked-token model of a hand-written bidirectional mixer, trained in two sittings with a checkpoint between them.

[truth]
family = "corrupted_state"
causes = ["resumed_without_state"]
step = 151
window = 2
"""
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, LEN, MASK = 40, 16, 0
torch.manual_seed(12)
gen = torch.Generator().manual_seed(12)
step_of = torch.randint(1, 6, (VOCAB,), generator=gen)


def sample(batch=48):
    """Sequences in which each token determines its successor."""
    tok = torch.randint(1, VOCAB, (batch,), generator=gen)
    cols = [tok]
    for _ in range(LEN - 1):
        tok = (tok - 1 + step_of[tok]) % (VOCAB - 1) + 1
        cols.append(tok)
    seq = torch.stack(cols, 1)
    hide = torch.rand(seq.shape, generator=gen) < 0.2
    hide[:, 5] = True
    return seq.masked_fill(hide, MASK), seq, hide


class Mixer(nn.Module):
    def __init__(self, dim=32):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.tokens = nn.Linear(LEN * dim, LEN * dim)
        self.ff = nn.Sequential(nn.Linear(dim, 64), nn.GELU(), nn.Linear(64, dim))
        self.out = nn.Linear(dim, VOCAB)

    def forward(self, ids):
        x = self.emb(ids)
        x = x + self.tokens(x.flatten(1)).view_as(x)
        return self.out(x + self.ff(x))


def build():
    model = Mixer()
    opt = torch.optim.AdamW(model.parameters(), lr=0.015, betas=(0.9, 0.999))
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=0.97)
    return model, opt, sched


def run(model, opt, sched, start, stop):
    for step in range(start, stop):
        ids, target, hide = sample()
        loss = F.cross_entropy(model(ids)[hide], target[hide])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 25 == 0:
            print(f"{step:4d} {loss.item():.4f}")


ckpt = os.path.join(tempfile.mkdtemp(), "last.pt")

model, opt, sched = build()
run(model, opt, sched, 0, 150)
torch.save({"model": model.state_dict(), "step": 150}, ckpt)

model, opt, sched = build()
state = torch.load(ckpt)
model.load_state_dict(state["model"])
run(model, opt, sched, state["step"], 260)
