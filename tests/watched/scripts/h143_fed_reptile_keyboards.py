"""Reptile, federated averaging and SWA write weights on purpose, many short-lived optimizers.

[truth]
family = "healthy"
causes = []
"""
"""
Stage 1: Reptile meta-learning over sine tasks;  stage 2: federated averaging over 6 clients, SWA over the last rounds.
"""
import copy
import math
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(55)


def new_net(i, o):
    return nn.Sequential(nn.Linear(i, 48), nn.Tanh(), nn.Linear(48, 48), nn.Tanh(), nn.Linear(48, o))


class SineTask:
    def __init__(self):
        self.a, self.p = 0.5 + 2 * torch.rand(1), 0.6 * torch.rand(1)

    def __call__(self, n):
        x = 4 * torch.rand(n, 1) - 2
        return x, self.a * torch.sin(x + self.p)


def inner(net, task, steps, lr):
    opt = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(steps):
        x, y = task(20)
        loss = F.mse_loss(net(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    return loss.item()


def reptile(rounds=250, k=6, outer=0.3):
    net = new_net(1, 1)
    after = []
    for r in range(rounds):
        start = copy.deepcopy(net.state_dict())
        after.append(inner(net, SineTask(), k, 0.05))
        end = net.state_dict()
        eps = outer * (1 - r / rounds)
        net.load_state_dict({n: start[n] + eps * (end[n] - start[n]) for n in start})
        if r % 50 == 49:
            print(f"reptile {r + 1} adapted loss {sum(after[-50:]) / 50:.3f}")
    return net


class Client:
    def __init__(self, k, w):
        g = torch.Generator().manual_seed(k)
        probs = torch.tensor([4.0 if c in (k % 4, (k + 1) % 4) else 0.5 for c in range(4)])
        self.y = torch.multinomial(probs, 400, replacement=True, generator=g)
        self.x = w[self.y] + 1.1 * torch.randn(400, 10, generator=g)

    def train(self, state):
        net = new_net(10, 4)
        net.load_state_dict(state)
        opt = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.5)
        for i in torch.randperm(400).split(40):
            loss = F.cross_entropy(net(self.x[i]), self.y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
        return net.state_dict(), loss.item()


def fedavg(rounds=16, swa_from=11):
    w = torch.randn(4, 10)
    clients = [Client(k, w) for k in range(6)]
    yt = torch.randint(0, 4, (1000,))
    xt = w[yt] + 1.1 * torch.randn(1000, 10)
    server, swa = new_net(10, 4), None
    for r in range(rounds):
        states, losses = zip(*[c.train(server.state_dict()) for c in clients])
        server.load_state_dict({n: torch.stack([s[n] for s in states]).mean(0) for n in states[0]})
        if r >= swa_from:
            cur = {n: p.clone() for n, p in server.state_dict().items()}
            m = r - swa_from
            swa = cur if swa is None else {n: (swa[n] * m + cur[n]) / (m + 1) for n in cur}
        with torch.no_grad():
            acc = (server(xt).argmax(1) == yt).float().mean()
        if r % 3 == 0:
            print(f"round {r} client loss {sum(losses) / len(losses):.3f} server acc {acc:.3f}")
    server.load_state_dict(swa)
    with torch.no_grad():
        print(f"SWA server acc {(server(xt).argmax(1) == yt).float().mean():.3f}")


reptile()
fedavg()
