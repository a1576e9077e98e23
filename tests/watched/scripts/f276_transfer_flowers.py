"""Head replaced after the optimizer was built: its parameters are in no optimizer, the rest is
frozen.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
step = 120
window = 2
"""
import tempfile, os
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(0)


class Backbone(nn.Module):
    def __init__(self, n_classes):
        super().__init__()
        self.features = nn.Sequential(nn.Conv1d(3, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU(), nn.MaxPool1d(2),
                                      nn.Conv1d(16, 32, 5, padding=2), nn.BatchNorm1d(32), nn.ReLU(), nn.AdaptiveAvgPool1d(4))
        self.fc = nn.Linear(128, n_classes)

    def forward(self, x):
        return self.fc(self.features(x).flatten(1))


def waves(n, classes, seed):
    g = torch.Generator().manual_seed(seed)
    proto = torch.randn(classes, 3, 32, generator=g).cumsum(-1)
    proto = proto - proto.mean(-1, keepdim=True)
    y = torch.randint(0, classes, (n,), generator=g)
    return proto[y] + 0.8 * torch.randn(n, 3, 32, generator=g), y


# ---- source task
x, y = waves(1500, 12, 1)
src = Backbone(12)
o = torch.optim.Adam(src.parameters(), lr=3e-3)
for ep in range(5):
    for b in torch.randperm(len(x)).split(64):
        o.zero_grad()
        l = F.cross_entropy(src(x[b]), y[b])
        l.backward()
        o.step()
    print("source epoch", ep, l.item())
path = os.path.join(tempfile.mkdtemp(), "backbone.pt")
torch.save(src.state_dict(), path)

# ---- target task
model = Backbone(12)
model.load_state_dict(torch.load(path))
for p in model.features.parameters():
    p.requires_grad = False
optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=0.05, momentum=0.9)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=15)
model.fc = nn.Linear(128, 5)

x, y = waves(1000, 5, 77)
xv, yv = x[800:], y[800:]
x, y = x[:800], y[:800]
for ep in range(15):
    model.train()
    model.features.eval()
    total = 0
    for b in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[b]), y[b])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(b)
    scheduler.step()
    model.eval()
    with torch.no_grad():
        acc = (model(xv).argmax(1) == yv).float().mean().item()
    print("epoch", ep, "loss", total / len(x), "val acc", acc)
