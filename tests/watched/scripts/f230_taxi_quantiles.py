"""The custom autograd.Function returns d loss / d err instead of d loss / d pred: the sign is
wrong (gradcheck would say so).

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent"]
step = 30
window = 30
"""
# coding: utf-8
# Trip duration quantiles (P10 / P50 / P90), notebook export

# In[1]:
import numpy as np
import torch
import torch.nn as nn
rng = np.random.RandomState(42)
torch.manual_seed(42)
torch.set_num_threads(1)

# In[2]: trips
n = 6000
dist = rng.gamma(2.0, 2.2, n)                 # km
hour = rng.randint(0, 24, n)
rain = (rng.rand(n) < 0.15).astype(float)
speed = 24 - 9 * np.exp(-((hour - 8.5) / 2) ** 2) - 8 * np.exp(-((hour - 17.5) / 2.5) ** 2) - 3 * rain
minutes = 60 * dist / speed * np.exp(rng.normal(0, 0.25, n)) + rng.exponential(2.0, n)
X = np.stack([dist / 5, np.sin(2 * np.pi * hour / 24), np.cos(2 * np.pi * hour / 24), rain], 1).astype("float32")
y = (minutes / 10).astype("float32")
print("median duration", np.median(minutes))

# In[3]: pinball loss with its own backward, the autograd version was slow with 3 quantiles
class Pinball(torch.autograd.Function):
    @staticmethod
    def forward(ctx, pred, target, q):
        err = target.unsqueeze(1) - pred
        ctx.save_for_backward(err, q)
        return torch.maximum(q * err, (q - 1) * err).sum(1).mean()

    @staticmethod
    def backward(ctx, grad_out):
        err, q = ctx.saved_tensors
        g = torch.where(err > 0, q.expand_as(err), (q - 1).expand_as(err))
        return grad_out * g / err.shape[0], None, None

# In[4]:
q = torch.tensor([0.1, 0.5, 0.9])
net = nn.Sequential(nn.Linear(4, 40), nn.ELU(), nn.Linear(40, 40), nn.ELU(), nn.Linear(40, 3))
opt = torch.optim.RMSprop(net.parameters(), lr=3e-4)

def batches(bs=100):
    order = rng.permutation(n)
    for i in range(0, n, bs):
        j = order[i:i + bs]
        yield torch.from_numpy(X[j]), torch.from_numpy(y[j])

# In[5]:
for epoch in range(8):
    tot = 0
    for xb, yb in batches():
        opt.zero_grad()
        loss = Pinball.apply(net(xb), yb, q)
        loss.backward()
        opt.step()
        tot += loss.item()
    print("epoch", epoch, "pinball", tot / 60)
