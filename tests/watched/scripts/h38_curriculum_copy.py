"""Hand-written causal transformer on a copy task; sequences get longer and the cosine schedule restarts at each stage.

[truth]
family = "healthy"
causes = []
"""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)
VOCAB, SEP, DIM, MAXLEN = 14, 12, 48, 24


class Layer(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.n1, self.n2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.o = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.ff = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(), nn.Linear(2 * d, d))

    def forward(self, x, mask):
        q, k, v = self.qkv(self.n1(x)).chunk(3, -1)
        a = (q @ k.transpose(1, 2) / math.sqrt(q.size(-1)) + mask).softmax(-1)
        x = x + self.o(a @ v)
        return x + self.ff(self.n2(x))


class Copier(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb, self.pos = nn.Embedding(VOCAB, DIM), nn.Embedding(MAXLEN, DIM)
        self.layers = nn.ModuleList([Layer(DIM) for _ in range(2)])
        self.norm, self.head = nn.LayerNorm(DIM), nn.Linear(DIM, VOCAB)

    def forward(self, ids):
        t = ids.size(1)
        mask = torch.full((t, t), float("-inf")).triu(1)
        x = self.emb(ids) + self.pos(torch.arange(t))
        for layer in self.layers:
            x = layer(x, mask)
        return self.head(self.norm(x))


def batch(n, k):
    body = torch.randint(0, 12, (n, k))
    return torch.cat([body, torch.full((n, 1), SEP), body], 1)


model = Copier()
opt = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98))
STAGES = [(2, 160), (3, 160), (4, 160)]
for length, steps in STAGES:
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=steps, eta_min=3e-4)
    for group in opt.param_groups:
        group["lr"] = 3e-3
    for i in range(steps):
        seq = batch(48, length)
        logits = model(seq[:, :-1])[:, length:]
        loss = F.cross_entropy(logits.flatten(0, 1), seq[:, length + 1 :].flatten())
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        if i % 40 == 0:
            print(f"len {length} step {i} loss {loss.item():.3f} lr {sched.get_last_lr()[0]:.1e}")
    print(f"len {length} finished at {loss.item():.4f}")
