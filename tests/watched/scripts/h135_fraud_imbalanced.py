"""Class imbalance with loss spikes, NaN AUC for regions without positives, early stopping, best
weights reloaded.

[truth]
family = "healthy"
causes = []
"""
"""Card fraud scoring. ~0.6 % positives, focal-free weighted BCE, early stopping on validation AUC per region."""
import copy
import logging
import math
import sys

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.set_num_threads(1)
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="[%(levelname)s] %(message)s")
log = logging.getLogger(__name__)


def transactions(n, seed):
    r = np.random.default_rng(seed)
    region = r.choice(5, n, p=[0.5, 0.3, 0.15, 0.04, 0.01])
    amount, hour, age, velocity = r.lognormal(3, 1, n), r.uniform(0, 24, n), r.gamma(2, 2, n), r.poisson(1.2, n)
    z = 0.9 * (np.log(amount) - 3) + 0.7 * (velocity - 1.2) - 0.4 * age + 0.8 * (hour < 5) - 5.2
    fraud = r.random(n) < 1 / (1 + np.exp(-z))
    x = np.column_stack([(np.log(amount) - 3), np.sin(hour / 3.82), np.cos(hour / 3.82), (age - 4) / 3, velocity - 1.2, np.eye(5)[region]])
    return torch.tensor(x, dtype=torch.float32), torch.tensor(fraud, dtype=torch.float32), region


def auc(score, y):
    n1, n0 = int(y.sum()), int((1 - y).sum())
    if n1 == 0 or n0 == 0:
        return float("nan")
    rank = torch.empty(len(score))
    rank[score.argsort()] = torch.arange(1, len(score) + 1, dtype=torch.float32)
    return float((rank[y > 0.5].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def main():
    torch.manual_seed(33)
    x, y, _ = transactions(40000, 1)
    xv, yv, rv = transactions(6000, 2)
    log.info("positives: train %d val %d", int(y.sum()), int(yv.sum()))
    model = nn.Sequential(nn.Linear(x.size(1), 48), nn.ReLU(), nn.Linear(48, 24), nn.ReLU(), nn.Linear(24, 1))
    nn.init.constant_(model[-1].bias, -3.0)
    crit = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(40.0))
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-3)
    best, best_state, patience = -1.0, None, 0
    for epoch in range(20):
        losses = []
        for xb, yb in DataLoader(TensorDataset(x, y), batch_size=128, shuffle=True):
            loss = crit(model(xb).squeeze(1), yb)
            opt.zero_grad(set_to_none=True)
            loss.backward()
            opt.step()
            losses.append(loss.item())
        with torch.no_grad():
            s = model(xv).squeeze(1)
        per = [auc(s[rv == k], yv[rv == k]) for k in range(5)]
        total = auc(s, yv)
        log.info("epoch %d loss mean %.3f max %.2f AUC %.4f regions %s", epoch, np.mean(losses), max(losses), total, ["%.3f" % p for p in per])
        if total > best:
            best, best_state, patience = total, copy.deepcopy(model.state_dict()), 0
        else:
            patience += 1
            if patience == 3:
                log.info("early stop")
                break
    model.load_state_dict(best_state)
    log.info("best AUC %.4f, nan-mean over regions %.4f", best, np.nanmean([p for p in per if not math.isnan(p)]))


if __name__ == "__main__":
    main()
