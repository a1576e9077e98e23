"""Trains an insurance pure-premium network with the Tweedie deviance.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain"]
step = 32
window = 0
phase = "loss"
"""
import numpy as np
import torch
import torch.nn as nn

rng = np.random.default_rng(2024)
torch.manual_seed(2024)


def make_policies(n):
    age = rng.uniform(18, 80, n)
    power = rng.integers(4, 13, n)
    bonus = rng.gamma(2.0, 15.0, n).clip(0, 150)
    density = rng.lognormal(6, 1.5, n)
    lam = 0.06 * np.exp(0.03 * bonus + 0.3 * (power - 8) / 4 + 0.9 * (age < 25))
    n_claims = rng.poisson(lam)
    amount = np.array([rng.gamma(2.0, 0.6, k).sum() for k in n_claims])
    X = np.stack([age, power, bonus, np.log(density)], 1)
    X = (X - X.mean(0)) / X.std(0)
    return torch.tensor(X, dtype=torch.float32), torch.tensor(amount, dtype=torch.float32)


class TweedieLoss(nn.Module):
    def __init__(self, p=1.5):
        super().__init__()
        assert 1 < p < 2
        self.p = p

    def forward(self, mu, y):
        p = self.p
        a = y * torch.pow(mu, 1 - p) / (1 - p)  # <- culprit
        b = torch.pow(mu, 2 - p) / (2 - p)
        return (b - a).mean()


class PremiumNet(nn.Module):
    def __init__(self, n_in, base_premium):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(n_in, 48), nn.SiLU(), nn.Linear(48, 24), nn.SiLU())
        self.out = nn.Linear(24, 1)
        nn.init.normal_(self.out.weight, std=1e-3)
        nn.init.constant_(self.out.bias, base_premium)

    def forward(self, x):
        return self.out(self.hidden(x)).squeeze(1)


def gini(y, pred):
    order = np.argsort(pred.numpy())
    cum = np.cumsum(y.numpy()[order]) / y.sum().item()
    return 1 - 2 * cum.mean()


def run_epoch(model, X, y, loss_fn, opt, bs):
    idx = torch.randperm(len(X))
    losses = []
    for s in range(0, len(X), bs):
        b = idx[s:s + bs]
        loss = loss_fn(model(X[b]), y[b])
        opt.zero_grad()
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return float(np.mean(losses))


def main():
    Xtr, ytr = make_policies(8000)
    Xva, yva = make_policies(2000)
    print("share of zero claims: %.3f   mean premium %.4f" % ((ytr == 0).float().mean(), ytr.mean()))
    model = PremiumNet(Xtr.shape[1], ytr.mean().item())
    loss_fn = TweedieLoss(1.5)
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    for epoch in range(1, 13):
        tr = run_epoch(model, Xtr, ytr, loss_fn, opt, bs=64)
        with torch.no_grad():
            p = model(Xva)
            va = loss_fn(p, yva).item()
        print("epoch %2d  train %.5f  valid %.5f  gini %.3f  mean prediction %.4f" % (epoch, tr, va, gini(yva, p), p.mean()))


if __name__ == "__main__":
    main()
