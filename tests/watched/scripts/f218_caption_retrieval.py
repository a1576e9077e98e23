"""Trains two towers that match captions to picture features with a learned temperature.

[truth]
family = "unstable_loss"
causes = ["exponential_overflow", "half_precision_overflow"]
step = 189
phase = "loss"
"""
import torch
from torch import nn


class Tower(nn.Module):
    def __init__(self, n_in, n_out=32):
        super().__init__()
        self.f = nn.Sequential(nn.Linear(n_in, 96), nn.ReLU(), nn.Linear(96, n_out))

    def forward(self, x):
        return nn.functional.normalize(self.f(x), dim=-1)


class Retrieval(nn.Module):
    def __init__(self):
        super().__init__()
        self.picture, self.caption = Tower(40), Tower(30)
        self.log_scale = nn.Parameter(torch.tensor(1.6))

    def forward(self, p, c):
        sim = self.picture(p) @ self.caption(c).T
        return sim * self.log_scale.exp()


def match_loss(logits):
    e = torch.exp(logits.to(torch.float16))
    rows = e.diagonal() / e.sum(1)  # <- culprit
    cols = e.diagonal() / e.sum(0)
    return -(rows.float().log().mean() + cols.float().log().mean()) / 2


def batches(n_steps, batch, seed):
    g = torch.Generator().manual_seed(seed)
    to_p, to_c = torch.randn(12, 40, generator=g), torch.randn(12, 30, generator=g)
    for _ in range(n_steps):
        idea = torch.randn(batch, 12, generator=g)
        yield (idea @ to_p + 0.5 * torch.randn(batch, 40, generator=g),
               idea @ to_c + 0.5 * torch.randn(batch, 30, generator=g))


if __name__ == "__main__":
    torch.manual_seed(4)
    model = Retrieval()
    opt = torch.optim.AdamW([
        {"params": model.picture.parameters()},
        {"params": model.caption.parameters()},
        {"params": [model.log_scale], "lr": 6e-3, "weight_decay": 0.0}], lr=1e-3)
    for i, (p, c) in enumerate(batches(500, 64, 4)):
        loss = match_loss(model(p, c))
        opt.zero_grad(set_to_none=True)
        loss.backward()
        opt.step()
        if i % 25 == 0:
            print(f"{i:4d} loss {loss.item():.4f} scale {model.log_scale.exp().item():.2f}")
