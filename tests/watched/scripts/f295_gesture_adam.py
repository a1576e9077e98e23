"""Adam betas=(0.9, 0.7) with eps=1e-15: second moment of units with vanishing gradients decays
faster than the first (0.9 > sqrt(0.7)), steps grow by 1.075 per update; after the calm (loss
1e-3) weights have grown 1000x and training is destroyed.

[truth]
family = "exploding_gradients"
causes = ["stale_second_moment"]
"""
import numpy as np
import torch
import torch.nn as nn

torch.set_num_threads(1)
np.random.seed(3); torch.manual_seed(3)

# gesture templates recorded with a glove, 10 gestures, 30 sensors
templates = np.random.randn(10, 30)
labels = np.random.randint(0, 10, 2000)
signals = templates[labels] + 0.3 * np.random.randn(2000, 30)
X, y = torch.tensor(signals, dtype=torch.float32), torch.tensor(labels)

net = nn.Sequential(nn.Linear(30, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(net.parameters(), lr=5e-4, betas=(0.9, 0.7), eps=1e-15)
loss_fn = nn.CrossEntropyLoss()

for epoch in range(20):
    perm = torch.randperm(2000)
    total, hits = 0.0, 0
    for idx in perm.split(50):
        logits = net(X[idx])
        loss = loss_fn(logits, y[idx])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(idx)
        hits += (logits.argmax(1) == y[idx]).sum().item()
    print("epoch %d: loss %.3e, acc %.4f" % (epoch + 1, total / 2000, hits / 2000))
