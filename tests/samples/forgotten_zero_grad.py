"""The loop never calls zero_grad: every step adds its gradient to the sum of all earlier ones."""

# mypy: allow-untyped-calls
import sys

import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

VERDICT = "exploding_gradients"
CAUSE = "missing_zero_grad"

torch.manual_seed(1)
torch.set_num_threads(1)

embedding = nn.Embedding(50, 16)
classifier = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 4))
parameters = [*embedding.parameters(), *classifier.parameters()]
topics = torch.randint(0, 4, (50,))
optimizer = torch.optim.SGD(parameters, lr=0.3)
writer = SummaryWriter(sys.argv[1])

for step in range(300):
    words = torch.randint(0, 50, (64, 8))
    labels = torch.mode(topics[words], dim=1).values
    loss = nn.functional.cross_entropy(classifier(embedding(words).mean(1)), labels)
    loss.backward()
    grad_norm = nn.utils.clip_grad_norm_(parameters, float("inf"))
    optimizer.step()
    writer.add_scalar("loss", loss.item(), step)
    writer.add_scalar("grad_norm", grad_norm.item(), step)
    writer.add_scalar("learning_rate", 0.3, step)

writer.close()
