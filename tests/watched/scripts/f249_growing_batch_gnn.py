"""The number of accumulated micro-batches grows and the summed loss is not divided, so the
effective lr grows with it (k=1: optimizer steps 0-127, 2: 128-191, 4: 192-223, 8: 224-239, 16:
240-247, 32: 248-251, 64: 252-253).

[truth]
family = "exploding_gradients"
causes = ["undivided_accumulation"]
step = 210
window = 20
"""
"""Graph regression with message passing. "Don't decay the learning rate, increase the batch size":
the number of accumulated micro-batches doubles every few epochs."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(7)


def random_graph(n=12):
    a = (torch.rand(n, n) < 0.25).float().triu(1)
    a = a + a.T
    x = torch.randn(n, 5)
    deg = a.sum(1)
    y = (x[:, 0] * deg).mean() + x[:, 1].relu().mean()
    return a / deg.clamp(min=1)[:, None], torch.cat([x, deg[:, None] / 4], 1), y


DATA = [random_graph() for _ in range(640)]
A = torch.stack([d[0] for d in DATA]); X = torch.stack([d[1] for d in DATA]); Y = torch.stack([d[2] for d in DATA])


class GNN(nn.Module):
    def __init__(self, h=32):
        super().__init__()
        self.l0 = nn.Linear(6, h)
        self.msg = nn.ModuleList(nn.Linear(2 * h, h) for _ in range(2))
        self.out = nn.Sequential(nn.Linear(h, h), nn.ReLU(), nn.Linear(h, 1))

    def forward(self, a, x):
        h = F.relu(self.l0(x))
        for m in self.msg:
            h = h + F.relu(m(torch.cat([h, a @ h], -1)))
        return self.out(h.mean(1)).squeeze(-1)


class Trainer:
    def __init__(self, model, lr=0.01, micro=10):
        self.model, self.micro = model, micro
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)

    def accumulate_for(self, epoch):
        return 2 ** (epoch // 2)

    def fit(self, epochs):
        for epoch in range(epochs):
            k, run = self.accumulate_for(epoch), 0.0
            self.opt.zero_grad()
            for i, idx in enumerate(torch.randperm(len(Y)).split(self.micro)):
                loss = F.mse_loss(self.model(A[idx], X[idx]), Y[idx])
                loss.backward()
                run += loss.item()
                if (i + 1) % k == 0:
                    self.opt.step()
                    self.opt.zero_grad()
            print(f"epoch {epoch} accumulate {k} mse {run / (i + 1):.4f}")


Trainer(GNN()).fit(14)
