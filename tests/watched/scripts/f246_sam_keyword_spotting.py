"""First two epochs are plain SGD (loss 0.01), SAM begins at step 48; its second step adds the
perturbation again instead of removing it, so each step climbs 2*rho along the gradient.

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent"]
step = 50
window = 4
"""
"""Keyword spotting on fake log-mel patches, trained with Sharpness-Aware Minimisation."""
import torch
from torch import nn

torch.set_num_threads(1)
SAM_FROM = 2      # plain SGD first, sharpness-aware afterwards


class SAM(torch.optim.Optimizer):
    def __init__(self, params, base, rho=0.05, **kw):
        super().__init__(params, dict(rho=rho, **kw))
        self.base = base(self.param_groups, **kw)
        self.param_groups = self.base.param_groups

    @torch.no_grad()
    def first_step(self):
        norm = torch.stack([p.grad.norm() for g in self.param_groups for p in g["params"]]).norm()
        for g in self.param_groups:
            for p in g["params"]:
                e = p.grad * (g["rho"] / (norm + 1e-12))
                p.add_(e)
                self.state[p]["e"] = e
        self.zero_grad()

    @torch.no_grad()
    def second_step(self):
        for g in self.param_groups:
            for p in g["params"]:
                p.add_(self.state[p]["e"])
        self.base.step()
        self.zero_grad()


def make_data(n, gen):
    proto = torch.randn(6, 1, 16, 20, generator=torch.Generator().manual_seed(0))
    y = torch.randint(0, 6, (n,), generator=gen)
    x = proto[y] * 0.6 + torch.randn(n, 1, 16, 20, generator=gen)
    return x, y


def main():
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(42)
    x, y = make_data(1200, gen)
    net = nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(16 * 4 * 5, 6))
    opt = SAM(net.parameters(), torch.optim.SGD, rho=0.15, lr=0.02, momentum=0.9)
    ce = nn.CrossEntropyLoss()
    for ep in range(6):
        tot, hit = 0.0, 0
        for idx in torch.randperm(len(x), generator=gen).split(50):
            out = net(x[idx])
            loss = ce(out, y[idx])
            loss.backward()
            if ep < SAM_FROM:
                opt.base.step()
                opt.zero_grad()
            else:
                opt.first_step()
                ce(net(x[idx]), y[idx]).backward()
                opt.second_step()
            tot += loss.item() * len(idx)
            hit += (out.argmax(1) == y[idx]).sum().item()
        print(f"[{ep}] loss={tot / len(x):.3f} acc={hit / len(x):.3f}")


main()
