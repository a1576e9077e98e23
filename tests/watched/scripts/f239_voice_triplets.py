"""The hinge of the triplet loss is missing, so d(a,n) can grow for ever: loss -0.3, -9 at step 15,
-950 at 50, -1.9e5 at 100, -7e9 at the end, gnorm rising with it; no NaN.

[truth]
family = "unstable_loss"
causes = ["unbounded_loss"]
step = 31
window = 29
phase = "loss"
"""
#!/usr/bin/env python3
"""Speaker embeddings from synthetic formant features, trained on triplets.

    loss = d(anchor, positive) - d(anchor, negative) + margin
"""
import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)


class SpeakerBank:
    def __init__(self, n_speakers=40, dim=24, seed=0):
        self.rng = np.random.RandomState(seed)
        self.n, self.dim = n_speakers, dim
        self.timbre = self.rng.randn(n_speakers, dim).astype(np.float32)
        self.channel = self.rng.randn(6, dim).astype(np.float32) * 0.6

    def utterances(self, spk):
        k = len(spk)
        vowels = self.rng.randn(k, self.dim).astype(np.float32)
        ch = self.channel[self.rng.randint(0, 6, k)]
        return self.timbre[spk] + ch + 0.5 * vowels * np.abs(self.timbre[spk])

    def triplets(self, k):
        a = self.rng.randint(0, self.n, k)
        n = (a + self.rng.randint(1, self.n, k)) % self.n
        return [torch.from_numpy(self.utterances(s)) for s in (a, a, n)]


class Encoder(nn.Module):
    def __init__(self, dim, out=16):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(dim, 96), nn.LeakyReLU(0.1), nn.LayerNorm(96), nn.Linear(96, 96),
                                    nn.LeakyReLU(0.1), nn.Linear(96, out))

    def forward(self, x):
        return self.layers(x)


def triplet_loss(a, p, n, margin=0.5):
    d_ap = (a - p).pow(2).sum(1)
    d_an = (a - n).pow(2).sum(1)
    return torch.mean(d_ap - d_an + margin), (d_ap < d_an).float().mean()  # <- culprit


if __name__ == "__main__":
    torch.manual_seed(0)
    bank = SpeakerBank()
    enc = Encoder(bank.dim)
    optimizer = torch.optim.Adam(enc.parameters(), lr=1e-3)
    for step in range(500):
        a, p, n = bank.triplets(64)
        loss, correct = triplet_loss(enc(a), enc(p), enc(n))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 25 == 0:
            print("step %3d | loss %10.3f | correct triplets %.3f" % (step, loss.item(), correct))
