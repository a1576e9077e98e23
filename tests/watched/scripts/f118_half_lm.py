"""Tiny next-token feed-forward language model kept in half precision to save memory.

[truth]
family = "unstable_loss"
causes = ["half_precision_optimizer"]
step = 1
window = 1
phase = "optimizer"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(7)
VOCAB, EMB, HID, SEQ, BATCH = 64, 24, 48, 24, 16

# a noisy Markov chain over the vocabulary
nxt = torch.stack([torch.randperm(VOCAB) for _ in range(2)], 1)
stream = [0]
choices = (torch.rand(20000) < 0.3).long().tolist()
for c in choices:
    stream.append(int(nxt[stream[-1], c]))
stream = torch.tensor(stream)


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, EMB)
        self.in_proj = nn.Linear(EMB, HID)
        self.mix = nn.Linear(HID, HID)
        self.norm = nn.LayerNorm(HID)
        self.decoder = nn.Linear(HID, VOCAB)

    def forward(self, ids):
        x = torch.tanh(self.in_proj(self.emb(ids)))
        x = self.norm(x + F.gelu(self.mix(x)))
        return self.decoder(x)


def batches(n):
    for _ in range(n):
        at = torch.randint(0, len(stream) - SEQ - 1, (BATCH,))
        chunk = torch.stack([stream[a : a + SEQ + 1] for a in at])
        yield chunk[:, :-1], chunk[:, 1:]


model = LanguageModel().half()
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
curve = []

for i, (x, y) in enumerate(batches(120)):
    logits = model(x)
    loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    curve.append(loss.item())
    if i % 20 == 19:
        print(f"{i + 1} batches, perplexity {torch.tensor(curve[-20:]).mean().exp():.2f}")
