"""params is a generator that the optimizer has consumed, so clip_grad_norm_(params) clips nothing
(torch warns once).

[truth]
family = "exploding_gradients"
causes = ["misplaced_clipping", "unclipped_gradient_spikes"]
step = 8
window = 6
"""
# predict the remaining energy of a burst process from event counts; home-grown Elman net
import torch, torch.nn as nn
torch.set_num_threads(1); torch.manual_seed(11)
g = torch.Generator().manual_seed(5)

N, T = 1024, 30
X = torch.randn(N, T, 4, generator=g)
# rare "bursts" make a few sequences much more energetic
burst = torch.rand(N, generator=g) < 0.02
X[burst] *= torch.empty(int(burst.sum()), 1, 1).uniform_(6, 30, generator=g)
Y = (X[:, :, 0] * torch.linspace(0, 1, T)).sum(1, keepdim=True) / T ** 0.5 + 0.1 * torch.randn(N, 1, generator=g)

class Net(nn.Module):
    def __init__(self, h=24):
        super().__init__()
        self.i = nn.Linear(4, h)
        self.h = nn.Linear(h, h, bias=False)
        nn.init.orthogonal_(self.h.weight, 0.9)
        self.o = nn.Linear(h, 1)
    def forward(self, x):
        s = x.new_zeros(x.shape[0], self.h.in_features)
        for t in range(x.shape[1]):
            s = torch.relu(self.i(x[:, t]) + self.h(s))
        return self.o(s)

net = Net()
params = net.parameters()
optimizer = torch.optim.SGD(params, lr=0.02, momentum=0.8, weight_decay=1e-4)
huber = nn.MSELoss()

def epoch(e):
    total = 0.0
    order = torch.randperm(N, generator=g)
    for b in order.split(16):
        optimizer.zero_grad()
        loss = huber(net(X[b]), Y[b])
        loss.backward()
        nn.utils.clip_grad_norm_(params, 0.5)       # bursts give huge gradients
        optimizer.step()
        total += loss.item() * len(b)
    print("epoch", e, "mse", round(total / N, 4))

for e in range(8):
    epoch(e)
