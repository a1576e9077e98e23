"""Finds the largest number of a list with dot-product attention written by hand.

[truth]
family = "unstable_loss"
causes = ["exponential_overflow"]
step = 11
window = 0
phase = "forward"
"""
import torch
import torch.nn as nn


class Pointer(nn.Module):
    def __init__(self, d=128):
        super().__init__()
        self.item = nn.Linear(1, d)
        self.query = nn.Linear(d, d, bias=False)
        self.key = nn.Linear(d, d, bias=False)

    def forward(self, xs):
        h = torch.tanh(self.item(xs.unsqueeze(-1)))
        q = self.query(h.mean(1, keepdim=True))
        k = self.key(h)
        e = torch.exp((q * k).sum(-1))  # <- culprit
        return e / e.sum(-1, keepdim=True)


class PointerTrainer:
    def __init__(self, steps=150, lr=3e-3):
        torch.manual_seed(6)
        self.model = Pointer()
        self.opt = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.steps = steps

    def batch(self, n=64):
        xs = torch.randn(n, 8) * 2
        return xs, xs.argmax(1)

    def run(self):
        for k in range(self.steps):
            xs, best = self.batch()
            weights = self.model(xs)
            chosen = weights.gather(1, best[:, None])
            loss = -(chosen + 1e-9).log().mean()
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
            if k % 25 == 0:
                print(f"step {k}: {loss.item():.3f}")


PointerTrainer().run()
