"""Cox proportional-hazards network on synthetic hospital stays, Breslow partial likelihood per mini-batch.

[truth]
family = "bad_data"
causes = ["empty_targets", "division_by_zero"]
step = 41
window = 0
phase = "loss"
samples = [1312, 1313, 1314, 1315, 1316, 1317, 1318, 1319, 1320, 1321, 1322, 1323, 1324, 1325, 1326, 1327, 1328, 1329, 1330, 1331, 1332, 1333, 1334, 1335, 1336, 1337, 1338, 1339, 1340, 1341, 1342, 1343]
"""
import argparse

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def make_cohort(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 12)).astype("float32")
    risk = 0.8 * x[:, 0] - 0.6 * x[:, 1] + 0.5 * x[:, 2] * x[:, 3]
    t_event = rng.exponential(1.0, n) * np.exp(-risk) * 300
    t_cens = rng.uniform(20, 700, n)
    time = np.minimum(t_event, t_cens)
    event = (t_event <= t_cens).astype("float32")
    # rows are ordered by ward of admission; ward 41 only has patients that are still in care
    ward = np.arange(n) // 32
    event[ward == 41] = 0.0
    return torch.from_numpy(x), torch.from_numpy(time.astype("float32")), torch.from_numpy(event)


class RiskNet(nn.Module):
    def __init__(self, d, h=64):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(d, h), nn.SELU(), nn.Linear(h, h), nn.SELU())
        self.out = nn.Linear(h, 1, bias=False)

    def forward(self, x):
        return self.out(self.body(x)).squeeze(-1)


def partial_likelihood(score, time, event):
    order = torch.argsort(time, descending=True)
    s, e = score[order], event[order]
    log_cum = torch.logcumsumexp(s, dim=0)
    return -((s - log_cum) * e).sum() / e.sum()


@torch.no_grad()
def concordance(net, x, time, event):
    s = net(x)
    later = time[None, :] > time[:, None]
    ok = later & (event[:, None] > 0)
    right = (s[:, None] > s[None, :]) & ok
    return (right.sum() / ok.sum()).item()


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=4)
    ap.add_argument("--lr", type=float, default=2e-3)
    ap.add_argument("--batch", type=int, default=32)
    args = ap.parse_args()
    torch.manual_seed(1)

    x, time, event = make_cohort(3200, 0)
    xv, tv, ev = make_cohort(800, 9)
    loader = DataLoader(TensorDataset(x, time, event), batch_size=args.batch, shuffle=False)
    net = RiskNet(x.shape[1])
    opt = torch.optim.AdamW(net.parameters(), lr=args.lr, weight_decay=1e-3)

    for epoch in range(args.epochs):
        running, seen = 0.0, 0
        for xb, tb, eb in loader:
            loss = partial_likelihood(net(xb), tb, eb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            running += loss.item()
            seen += 1
        print(f"epoch {epoch}  nll {running / seen:.4f}  c-index {concordance(net, xv, tv, ev):.3f}")


if __name__ == "__main__":
    main()
