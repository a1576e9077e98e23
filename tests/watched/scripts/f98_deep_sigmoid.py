"""Recognises patterns with a deep network of logistic units.

[truth]
family = "stalled_training"
causes = ["vanishing_gradients", "nothing_learned"]
step = 0
window = 20
"""
import torch
from torch import nn

torch.manual_seed(52)


def stack(depth, width):
    for k in range(depth):
        yield nn.Linear(12 if k == 0 else width, width)
        yield nn.Sigmoid()
    yield nn.Linear(width, 3)


net = nn.Sequential(*stack(depth=9, width=24))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
criterion = nn.CrossEntropyLoss()
patterns = torch.randn(3, 12) * 1.5

for step in range(150):
    y = torch.randint(0, 3, (48,))
    x = patterns[y] + 0.5 * torch.randn(48, 12)
    out = net(x)
    loss = criterion(out, y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 25 == 0:
        acc = (out.argmax(1) == y).float().mean()
        print(f"step {step}: loss {loss:.4f} accuracy {acc:.2f}")
