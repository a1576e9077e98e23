"""Next-item session recommender with float16 autocast and a GradScaler, interrupted and resumed from a complete checkpoint.

[truth]
family = "healthy"
causes = []
"""
import os
import tempfile

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(41)
ITEMS, LEN = 60, 8
succ = torch.randperm(ITEMS)


def sessions(n=64):
    item = torch.randint(ITEMS, (n,))
    cols = [item]
    for _ in range(LEN):
        jump = torch.rand(n) < 0.15
        item = torch.where(jump, torch.randint(ITEMS, (n,)), succ[item])
        cols.append(item)
    s = torch.stack(cols, 1)
    return s[:, :-1], s[:, 1:]


class NextItem(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(ITEMS, 32)
        self.body = nn.Sequential(nn.Linear(32, 96), nn.GELU(), nn.Linear(96, 32), nn.LayerNorm(32))
        self.out = nn.Linear(32, ITEMS)

    def forward(self, s):
        return self.out(self.body(self.items(s)))


def setup():
    model = NextItem()
    opt = torch.optim.AdamW(model.parameters(), lr=4e-3)
    sched = torch.optim.lr_scheduler.LinearLR(opt, 1.0, 0.1, total_iters=260)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 20, growth_interval=100)
    return model, opt, sched, scaler


def fit(model, opt, sched, scaler, start, stop):
    skipped = 0
    for step in range(start, stop):
        x, y = sessions()
        with torch.autocast("cpu", dtype=torch.float16):
            logits = model(x)
        loss = F.cross_entropy(logits.float().flatten(0, 1), y.flatten())
        opt.zero_grad()
        before = scaler.get_scale()
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        scaler.step(opt)
        scaler.update()
        skipped += scaler.get_scale() < before
        sched.step()
        if step % 40 == 0:
            print(f"{step} loss {loss.item():.3f} scale {scaler.get_scale():.0f} skipped {skipped}")


path = os.path.join(tempfile.mkdtemp(), "state.pt")
model, opt, sched, scaler = setup()
fit(model, opt, sched, scaler, 0, 130)
torch.save([o.state_dict() for o in (model, opt, sched, scaler)], path)

model, opt, sched, scaler = setup()
for obj, state in zip((model, opt, sched, scaler), torch.load(path)):
    obj.load_state_dict(state)
fit(model, opt, sched, scaler, 130, 260)
