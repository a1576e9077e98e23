"""Trains a graph network with signed hidden codes to name leaf species from vein graphs.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
step = 50
window = 45
"""
import torch
from torch import nn


class Signed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * (x.abs() <= 1)


class VeinNet(nn.Module):
    def __init__(self, n_in, width, n_out):
        super().__init__()
        self.enc = nn.Linear(n_in, width)
        self.msg = nn.Linear(width, width)
        self.upd = nn.Linear(2 * width, width)
        self.out = nn.Linear(width, n_out)

    def forward(self, x, src, dst, graph, n_graphs):
        h = torch.tanh(self.enc(x))
        gathered = torch.zeros_like(h).index_add(0, dst, self.msg(h)[src])
        h = torch.relu(self.upd(torch.cat([h, gathered], 1)))
        h = h + 0.2 * Signed.apply(h - 0.5)
        pooled = torch.zeros(n_graphs, h.shape[1]).index_add(0, graph, h) / 8
        return self.out(pooled)


def leaves(n, g):
    species = torch.randint(0, 5, (n,), generator=g)
    x = torch.randn(n, 8, 6, generator=g)
    x[:, :, :5] += 0.7 * torch.eye(5)[species][:, None]
    ring = torch.arange(8)
    src = (ring.repeat(n, 1) + 8 * torch.arange(n)[:, None]).flatten()
    dst = (((ring + 1 + (species % 2)[:, None]) % 8) + 8 * torch.arange(n)[:, None]).flatten()
    return x.flatten(0, 1), src, dst, torch.arange(n).repeat_interleave(8), species


def accuracy(net, batch):
    x, src, dst, graph, species = batch
    with torch.no_grad():
        return (net(x, src, dst, graph, len(species)).argmax(1) == species).float().mean().item()


def main():
    torch.manual_seed(19)
    g = torch.Generator().manual_seed(19)
    net = VeinNet(6, 48, 5)
    opt = torch.optim.Adam(net.parameters(), lr=4e-4)
    sched = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, factor=0.1, patience=3)
    held_out = leaves(256, g)
    for step in range(300):
        x, src, dst, graph, species = leaves(48, g)
        loss = nn.functional.cross_entropy(net(x, src, dst, graph, 48), species)
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 10 == 9:
            acc = accuracy(net, held_out)
            sched.step(acc)
            if step % 50 == 49:
                print(f"step {step + 1} loss {loss.item():.3f} accuracy {acc:.3f}")


main()
