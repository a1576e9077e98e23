"""Length grows when accuracy is good: loss jumps at steps 14,34,55,85,163,361 and recovers;
reaches length 7 at 95 % accuracy.

[truth]
family = "healthy"
causes = []
"""
"""Sequence reversal with a GRU encoder/decoder; every time the accuracy is good the length grows (loss jumps)."""
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(10)
V = 6


class Seq2Seq(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.emb = nn.Embedding(V + 1, 16)
        self.enc, self.dec = nn.GRU(16, h, batch_first=True), nn.GRU(16, h, batch_first=True)
        self.out = nn.Linear(h, V)

    def forward(self, x, y):
        _, h = self.enc(self.emb(x))
        inp = torch.cat([torch.full_like(y[:, :1], V), y[:, :-1]], 1)
        return self.out(self.dec(self.emb(inp), h)[0])


net = Seq2Seq()
opt = torch.optim.Adam(net.parameters(), lr=5e-3)
length, good = 1, 0
for step in range(600):
    x = torch.randint(0, V, (64, length))
    y = x.flip(1)
    logits = net(x, y)
    loss = F.cross_entropy(logits.reshape(-1, V), y.reshape(-1))
    opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    opt.step()
    acc = (logits.argmax(-1) == y).float().mean().item()
    good = good + 1 if acc > 0.97 else 0
    if good >= 5 and length < 8:
        length, good = length + 1, 0
        print(f"step {step}: length -> {length}")
    if step % 50 == 0:
        print(f"step {step} len {length} loss {loss.item():.4f} acc {acc:.3f}")
