"""A batch of 5 background-only images has no positive cell: mean over nothing = NaN loss at step
117 (again at 451: images 223,588,508,7,32).

[truth]
family = "bad_data"
causes = ["empty_targets"]
step = 117
among = [764, 436, 713, 207, 770]
"""
"""Single-scale detector on synthetic 24x24 images: objectness + box regression on positive cells."""
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
rng = torch.Generator().manual_seed(77)
torch.manual_seed(77)
S = 6          # grid


def render(n_boxes):
    img = 0.1 * torch.randn(1, 24, 24, generator=rng)
    obj, box = torch.zeros(S, S), torch.zeros(4, S, S)
    for _ in range(n_boxes):
        w, h = torch.randint(4, 9, (2,), generator=rng).tolist()
        x = torch.randint(0, 24 - w, (1,), generator=rng).item()
        y = torch.randint(0, 24 - h, (1,), generator=rng).item()
        img[0, y:y + h, x:x + w] += 1.0
        cx, cy = x + w / 2, y + h / 2
        gx, gy = int(cx // 4), int(cy // 4)
        obj[gy, gx] = 1
        box[:, gy, gx] = torch.tensor([cx / 4 - gx, cy / 4 - gy, w / 8, h / 8])
    return img, obj, box


counts = torch.randint(0, 3, (800,), generator=rng).tolist()       # some images are background only
images, objs, boxes = (torch.stack(z) for z in zip(*[render(c) for c in counts]))


class Det(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 24, 3, padding=1), nn.ReLU())
        self.out = nn.Conv2d(24, 5, 1)

    def forward(self, x):
        o = self.out(self.body(x))
        return o[:, 0], o[:, 1:]


def criterion(pred_obj, pred_box, obj, box):
    l_obj = F.binary_cross_entropy_with_logits(pred_obj, obj)
    l1 = (pred_box - box).abs().sum(1)
    l_box = l1[obj > 0].mean()
    return l_obj + 0.2 * l_box


det = Det()
opt = torch.optim.Adam(det.parameters(), lr=2e-3)
for epoch in range(4):
    seen = 0.0
    for k, idx in enumerate(torch.randperm(800, generator=rng).split(5)):
        loss = criterion(*det(images[idx]), objs[idx], boxes[idx])
        opt.zero_grad()
        loss.backward()
        opt.step()
        seen += loss.item()
    print(f"epoch {epoch} mean loss {seen / (k + 1):.4f}")
