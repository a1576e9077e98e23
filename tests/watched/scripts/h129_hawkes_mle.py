"""Negative, noisy log-likelihood; tiny learning rate; parameters converge to the truth.

[truth]
family = "healthy"
causes = []
"""
# Exponential Hawkes process, maximum likelihood on trade arrival times (summed over all events)
import math
import random
import torch

torch.set_num_threads(1)
random.seed(1)


def simulate(mu, alpha, beta, T):
    t, ev, lam = 0.0, [], mu
    while True:
        bound = mu + (lam - mu)
        w = random.expovariate(bound)
        t += w
        lam = mu + (lam - mu) * math.exp(-beta * w)
        if t > T:
            return ev
        if random.random() * bound <= lam:
            ev.append(t)
            lam += alpha


streams = [torch.tensor(simulate(4.0, 6.0, 10.0, 40.0), dtype=torch.float64) for _ in range(24)]
print("events", sum(len(s) for s in streams))

theta = torch.nn.ParameterDict({
    "log_mu": torch.nn.Parameter(torch.zeros((), dtype=torch.float64)),
    "log_alpha": torch.nn.Parameter(torch.zeros((), dtype=torch.float64)),
    "log_beta": torch.nn.Parameter(torch.tensor(1.0, dtype=torch.float64)),
})


def nll(s, T=40.0):
    mu, alpha, beta = theta["log_mu"].exp(), theta["log_alpha"].exp(), theta["log_beta"].exp()
    dt = s[:, None] - s[None, :]
    past = dt > 0
    k = torch.where(past, torch.exp(-beta * torch.where(past, dt, torch.zeros_like(dt))), torch.zeros_like(dt)).sum(1)
    comp = mu * T + alpha / beta * (1 - torch.exp(-beta * (T - s))).sum()
    return comp - torch.log(mu + alpha * k).sum()


opt = torch.optim.SGD(theta.parameters(), lr=2e-5, momentum=0.9)
for it in range(350):
    opt.zero_grad()
    total = 0.0
    for s in random.sample(streams, 6):
        loss = nll(s)
        loss.backward()
        total += loss.item()
    opt.step()
    if it % 15 == 0:
        print(it, "nll", round(total, 2), {k: round(v.exp().item(), 3) for k, v in theta.items()})
