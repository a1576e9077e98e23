"""The raw learned temperature (its own param group, lr 1e-2, no clamp) falls 0.07 -> 0.011 (step
23) -> 0.0025 (25) -> -0.0008 (26) while the loss goes to 1.5e-4; at step 26 the logits change
sign with magnitude above 1000, loss 1.5e-4 -> 1635, gnorm 2e6.

[truth]
family = "exploding_gradients"
causes = ["temperature_runaway"]
step = 26
"""
# toy CLIP: match synthetic "captions" to synthetic 8x8 "images"
import torch, torch.nn as nn, torch.nn.functional as F

torch.manual_seed(0); torch.set_num_threads(1)
device = "cpu"
N_OBJ, N_COL, N_POS = 6, 5, 4
shapes = torch.rand(N_OBJ, 8, 8) > 0.6
colors = torch.rand(N_COL, 3)

def sample(bs):
    k = torch.randperm(N_OBJ * N_COL * N_POS)[:bs]           # no two equal captions in a batch
    o, c, p = k // (N_COL * N_POS), k // N_POS % N_COL, k % N_POS
    img = shapes[o].float()[:, None] * colors[c][:, :, None, None]
    img = torch.stack([torch.roll(im, int(k), dims=-1) for im, k in zip(img, p)])
    img = img + 0.05 * torch.randn_like(img)
    cap = torch.stack([o, N_OBJ + c, N_OBJ + N_COL + p], 1)
    return img.to(device), cap.to(device)

class ImageTower(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.GELU(), nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.GELU(),
                               nn.Flatten(), nn.Linear(32 * 16, d))
    def forward(self, x): return F.normalize(self.f(x), dim=-1)

class TextTower(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.e = nn.Embedding(N_OBJ + N_COL + N_POS, 32)
        self.f = nn.Sequential(nn.Linear(96, 64), nn.GELU(), nn.Linear(64, d))
    def forward(self, t): return F.normalize(self.f(self.e(t).flatten(1)), dim=-1)

class MiniCLIP(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.visual, self.text = ImageTower(d), TextTower(d)
        self.temperature = nn.Parameter(torch.tensor(0.07))      # as in the paper
    def forward(self, img, cap):
        return self.visual(img) @ self.text(cap).t() / self.temperature

model = MiniCLIP().to(device)
towers = list(model.visual.parameters()) + list(model.text.parameters())
optimizer = torch.optim.AdamW([{"params": towers, "lr": 1e-3, "weight_decay": 0.05},
                               {"params": [model.temperature], "lr": 1e-2, "weight_decay": 0.0}])   # learn tau a bit faster
for step in range(400):
    img, cap = sample(48)
    logits = model(img, cap)
    labels = torch.arange(len(img))
    loss = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.t(), labels)) / 2
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    if step % 20 == 0:
        acc = (logits.argmax(1) == labels).float().mean().item()
        print(f"{step:4d} loss {loss.item():.3f} i2t acc {acc:.2f}")
