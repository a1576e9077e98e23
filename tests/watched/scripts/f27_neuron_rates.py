"""Fits firing rates of neurons with a Poisson likelihood and a softplus link written out.

[truth]
family = "unstable_loss"
causes = ["exponential_overflow"]
step = 83
window = 0
phase = "forward"
"""
import torch
from torch import nn


def softplus(z):
    return torch.log(1 + torch.exp(z))  # <- culprit


class RateModel(nn.Module):
    def __init__(self, stimuli, neurons):
        super().__init__()
        self.filter = nn.Linear(stimuli, neurons)

    def forward(self, s):
        return softplus(self.filter(s))


def stimulus(n, loud):
    s = torch.randn(n, 10)
    if loud:
        s[0] *= 60
    return s


def main():
    gen_seed = 99
    torch.manual_seed(gen_seed)
    true_w = torch.randn(10, 5) * 0.8
    model = RateModel(10, 5)
    opt = torch.optim.Adam(model.parameters(), lr=0.05)
    log = []
    for trial in range(140):
        s = stimulus(40, loud=trial == 83)
        spikes = torch.poisson(nn.functional.softplus(s @ true_w))
        rate = model(s)
        nll = (rate - spikes * torch.log(rate + 1e-6)).mean()
        opt.zero_grad()
        nll.backward()
        opt.step()
        log.append(nll.item())
        if trial % 20 == 19:
            print("trials", trial + 1, "nll", sum(log[-20:]) / 20)


if __name__ == "__main__":
    main()
