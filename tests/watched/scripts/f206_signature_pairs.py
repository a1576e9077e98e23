"""Siamese verification of pen signatures from pairs of feature vectors.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient"]
step = 20
window = 0
phase = "backward"
"""
import numpy as np
import torch

np.random.seed(3)
torch.manual_seed(3)

WRITERS, SCANS, DIM = 60, 12, 40
centre = np.random.randn(WRITERS, DIM)
scans = centre[:, None, :] + 0.8 * np.random.randn(WRITERS, SCANS, DIM)
scans[17, 9] = scans[17, 4]

left, right, same = [], [], []
for w in range(WRITERS):
    for i in range(SCANS):
        for j in range(i + 1, SCANS):
            if np.random.rand() < 0.35:
                left.append(scans[w, i]); right.append(scans[w, j]); same.append(1.0)
                v = (w + np.random.randint(1, WRITERS)) % WRITERS
                left.append(scans[w, i]); right.append(scans[v, np.random.randint(SCANS)]); same.append(0.0)
left.append(scans[17, 4]); right.append(scans[17, 9]); same.append(1.0)
left, right, same = (np.asarray(a, dtype=np.float32) for a in (left, right, same))

net = torch.nn.Sequential(
    torch.nn.Linear(DIM, 64), torch.nn.LeakyReLU(0.1),
    torch.nn.Linear(64, 32), torch.nn.LeakyReLU(0.1),
    torch.nn.Linear(32, 16),
)
opt = torch.optim.RMSprop(net.parameters(), lr=5e-4)
MARGIN = 2.0
seen = 0
for epoch in range(5):
    order = np.random.permutation(len(same))
    tot = 0.0
    for k in range(0, len(order) - 31, 32):
        b = order[k:k + 32]
        ea = net(torch.from_numpy(left[b]))
        eb = net(torch.from_numpy(right[b]))
        y = torch.from_numpy(same[b])
        d = torch.sqrt(((ea - eb) ** 2).sum(dim=1))  # <- culprit
        loss = (y * d ** 2 + (1 - y) * torch.relu(MARGIN - d) ** 2).mean()
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 10.0)
        opt.step()
        tot += loss.item()
        seen += 1
    print("epoch", epoch, "updates", seen, "loss", tot / (len(order) // 32))
