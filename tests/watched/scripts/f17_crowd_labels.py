"""Learns from crowd votes: soft labels are the shares of the annotators' votes.

[truth]
family = "bad_data"
causes = ["nonfinite_target"]
step = 31
window = 0
phase = "target"
samples = [301]
"""
import torch
from torch import nn

rng = torch.Generator().manual_seed(3)
torch.manual_seed(3)

NUM, CLASSES = 420, 4
points = torch.randn(NUM, 8, generator=rng)
truth = (points @ torch.randn(8, CLASSES, generator=rng)).argmax(1)
votes = torch.randint(0, 2, (NUM, CLASSES), generator=rng).float()
votes[torch.arange(NUM), truth] += 3
votes[301] = 0  # nobody looked at this one
soft = votes / votes.sum(1, keepdim=True)

classifier = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, CLASSES))
optimizer = torch.optim.Adamax(classifier.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=90)
xent = nn.CrossEntropyLoss(label_smoothing=0.05)

for step in range(90):
    batch = torch.randint(NUM, (28,), generator=rng)
    logits = classifier(points[batch])
    loss = xent(logits, soft[batch])  # <- culprit
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    scheduler.step()
    if step % 15 == 0:
        agree = (logits.argmax(1) == truth[batch]).float().mean()
        print(f"{step:4d} loss {loss:.4f} agree {agree:.2f}")
