"""Trains an embedding of bird calls from random pairs with a contrastive loss, in functional style.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 46
phase = "backward"
"""
import torch
import torch.nn.functional as F

N, DIM, SPECIES, MARGIN = 3000, 24, 6, 1.5


def make_calls(gen):
    centre = torch.randn(SPECIES, DIM, generator=gen)
    who = torch.randint(0, SPECIES, (N,), generator=gen)
    return centre[who] + 0.8 * torch.randn(N, DIM, generator=gen), who


def init(gen):
    def w(i, o):
        return (torch.randn(i, o, generator=gen) / i ** 0.5).requires_grad_()
    return {"w1": w(DIM, 64), "b1": torch.zeros(64, requires_grad=True), "w2": w(64, 8)}


def embed(p, x):
    return F.relu(x @ p["w1"] + p["b1"]) @ p["w2"]


def pair_loss(p, xa, xb, same):
    gap = embed(p, xa) - embed(p, xb)
    dist = gap.pow(2).sum(-1).sqrt()  # <- culprit
    near = dist.pow(2)
    far = F.relu(MARGIN - dist).pow(2)
    return torch.where(same, near, far).mean()


def draw(gen, n):
    return torch.randint(0, N, (n,), generator=gen), torch.randint(0, N, (n,), generator=gen)


def main(steps=400, batch=24, lr=0.02):
    gen = torch.Generator().manual_seed(10)
    calls, who = make_calls(gen)
    p = init(gen)
    opt = torch.optim.SGD(list(p.values()), lr=lr)
    for s in range(steps):
        a, b = draw(gen, batch)
        loss = pair_loss(p, calls[a], calls[b], who[a] == who[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if s % 40 == 0:
            print(s, loss.item())


main()
