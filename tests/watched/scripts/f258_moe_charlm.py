"""After the update of step 173 bit 30 of lm.moe.down[2,5,7] is flipped through an int32 view
(simulated soft error), the weight becomes ~1e37.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 174
"""
"""Character LM with a top-1 mixture of experts."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(21)
TEXT = "the quick brown fox jumps over the lazy dog while seven wizards boxed the jumping quail " * 40
chars = sorted(set(TEXT))
data = torch.tensor([chars.index(c) for c in TEXT])
V, D, CTX, E = len(chars), 24, 8, 4
FLIP_AFTER, BIT = 173, 30


class MoE(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(D, E)
        self.up = nn.Parameter(torch.randn(E, D, 2 * D) / D ** 0.5)
        self.down = nn.Parameter(torch.randn(E, 2 * D, D) / (2 * D) ** 0.5)

    def forward(self, x):
        g = self.gate(x).softmax(-1)
        w, e = g.max(-1)
        out = torch.zeros_like(x)
        for k in range(E):
            m = e == k
            if m.any():
                out[m] = (F.gelu(x[m] @ self.up[k]) @ self.down[k]) * w[m][:, None]
        load = F.one_hot(e, E).float().mean(0)
        return x + out, E * (load * g.mean(0)).sum()


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(V, D)
        self.mix = nn.Linear(CTX * D, D)
        self.norm = nn.LayerNorm(D)
        self.moe = MoE()
        self.head = nn.Linear(D, V)

    def forward(self, idx):
        h = self.norm(self.mix(self.emb(idx).flatten(1)))
        h, aux = self.moe(h)
        return self.head(h), aux


lm = LM()
opt = torch.optim.AdamW(lm.parameters(), lr=3e-3)
for step in range(300):
    i = torch.randint(0, len(data) - CTX - 1, (64,))
    x = data[i[:, None] + torch.arange(CTX)]
    y = data[i + CTX]
    logits, aux = lm(x)
    loss = F.cross_entropy(logits, y) + 0.01 * aux
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step == FLIP_AFTER:      # soft error in memory
        word = lm.moe.down.data.view(torch.int32)
        word[2, 5, 7] ^= 1 << BIT
    if step % 25 == 0:
        print(f"step {step:3d} loss {loss.item():.4f}")
