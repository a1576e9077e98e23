"""Trains a classifier; a metric of the evaluation is undefined for an absent class.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn


@torch.no_grad()
def per_class_recall(model, x, y, classes=5):
    model.eval()
    guess = model(x).argmax(1)
    recall = torch.stack([(guess[y == c] == c).float().mean() for c in range(classes)])
    ratio = torch.log(recall) - torch.log(1 - recall)
    model.train()
    return recall, ratio


def patients(n, rare):
    y = torch.randint(0, 5 if rare else 4, (n,))
    x = torch.nn.functional.one_hot(y, 5).float().repeat(1, 3) + 0.6 * torch.randn(n, 15)
    return x, y


torch.manual_seed(13)
model = nn.Sequential(nn.Linear(15, 32), nn.Dropout(0.2), nn.ReLU(), nn.Linear(32, 5))
opt = torch.optim.AdamW(model.parameters(), lr=5e-3)
vx, vy = patients(80, rare=False)  # nobody with class 4 in the validation set
for step in range(100):
    x, y = patients(32, rare=True)
    loss = nn.functional.cross_entropy(model(x), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 20 == 19:
        recall, ratio = per_class_recall(model, vx, vy)
        print(step, round(loss.item(), 4), "recall", recall.tolist(), "logit", ratio.mean().item())
