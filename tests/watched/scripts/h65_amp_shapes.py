'''Trains a small CNN on synthetic shapes with float16 autocast and a gradient scaler on the CPU.

[truth]
family = "healthy"
causes = []
'''
import time
import torch
import torch.nn as nn

torch.manual_seed(314)
torch.set_num_threads(1)
device = "cpu"
use_amp = True


def make(n, seed):
    g = torch.Generator().manual_seed(seed)
    yy, xx = torch.meshgrid(torch.arange(16.), torch.arange(16.), indexing="ij")
    cx, cy = 4 + 8 * torch.rand(2, n, 1, 1, generator=g)
    r = 2.5 + 2 * torch.rand(n, 1, 1, generator=g)
    dx, dy = (xx - cx).abs(), (yy - cy).abs()
    sq = (torch.maximum(dx, dy) < r).float()
    ci = (dx ** 2 + dy ** 2 < r ** 2).float()
    cr = ((torch.minimum(dx, dy) < 1) & (torch.maximum(dx, dy) < r)).float()
    y = torch.randint(0, 3, (n,), generator=g)
    img = torch.stack([sq, ci, cr], 1)[torch.arange(n), y]
    return (img + 0.4 * torch.randn(n, 16, 16, generator=g)).unsqueeze(1), y


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Linear(64, 3))

    def forward(self, x):
        return self.classifier(self.features(x))


x_train, y_train = make(2500, 0)
x_test, y_test = make(500, 1)
model = Net().to(device)
opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
scaler = torch.amp.GradScaler(device, init_scale=2.0 ** 26, growth_interval=60, enabled=use_amp)
sched = torch.optim.lr_scheduler.MultiStepLR(opt, [4, 6], gamma=0.2)
skipped, t0 = 0, time.time()

for epoch in range(8):
    model.train()
    perm = torch.randperm(len(x_train))
    running = 0.0
    for i in range(0, len(perm), 50):
        idx = perm[i:i + 50]
        with torch.autocast(device_type=device, dtype=torch.float16, enabled=use_amp):
            out = model(x_train[idx])
            loss = nn.functional.cross_entropy(out, y_train[idx])
        opt.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        before = scaler.get_scale()
        scaler.step(opt)
        scaler.update()
        skipped += scaler.get_scale() < before
        running += loss.item()
    sched.step()
    model.eval()
    with torch.no_grad(), torch.autocast(device_type=device, dtype=torch.float16, enabled=use_amp):
        acc = (model(x_test).argmax(1) == y_test).float().mean().item()
    print(f"epoch {epoch + 1} loss {running / 50:.4f} test acc {acc:.3f} scale {scaler.get_scale():.0f} "
          f"skipped {skipped} ({time.time() - t0:.1f}s)")
