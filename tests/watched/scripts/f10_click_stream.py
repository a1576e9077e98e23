"""Predicts purchases from a stream of page views (an IterableDataset).

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 27
window = 0
phase = "input"
samples = [445]
"""
import math
import random

import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset


class ClickStream(IterableDataset):
    def __init__(self, events=1200, seed=6):
        self.events, self.seed = events, seed

    def __iter__(self):
        rnd = random.Random(self.seed)
        for k in range(self.events):
            dwell = rnd.expovariate(1 / 20) + 0.5
            pages = rnd.randint(1, 9)
            if k == 445:
                dwell = float("inf")  # tab left open, timer never stopped
            buys = float(rnd.random() < min(0.9, pages / 10))
            yield torch.tensor([dwell / 20, pages / 9, math.sin(k / 50)]), torch.tensor(buys)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 20)
        self.fc2 = nn.Linear(20, 1)

    def forward(self, x):
        h = self.fc1(x)  # <- culprit
        return self.fc2(torch.tanh(h)).squeeze(-1)


torch.manual_seed(0)
model = Model()
optim = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, nesterov=True)
bce = nn.BCEWithLogitsLoss()
history = []
for step, (views, bought) in enumerate(DataLoader(ClickStream(), batch_size=16)):
    loss = bce(model(views), bought)
    optim.zero_grad()
    loss.backward()
    optim.step()
    history.append(loss.item())
    if step % 15 == 14:
        print(f"{step + 1} batches, loss {sum(history[-15:]) / 15:.4f}")
