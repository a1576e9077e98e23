"""From step 80 the frame branch is used; its zero-initialised head gives m = identity, whose equal
eigenvalues make the derivative of eigenvectors 1/0.

[truth]
family = "unstable_loss"
causes = ["undefined_gradient", "undefined_operation"]
step = 80
phase = "backward"
"""
# point-cloud classifier with a learned "canonical frame": eigenvectors of a predicted symmetric 3x3 tensor.
# The frame branch is switched on after a warm-up of the plain branch.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(4)
FRAME_FROM = 80


def clouds(n, pts=32):
    y = torch.randint(0, 4, (n,))
    base = torch.randn(n, pts, 3)
    stretch = torch.tensor([[3., 1, 1], [2, 2, 1], [1, 1, 1], [4, 2, .5]])[y]
    return base * stretch[:, None], y


class FrameNet(nn.Module):
    def __init__(self, h=32):
        super().__init__()
        self.point = nn.Sequential(nn.Linear(3, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU())
        self.frame = nn.Linear(h, 6)
        nn.init.zeros_(self.frame.weight)        # start from the identity frame
        nn.init.zeros_(self.frame.bias)
        self.cls = nn.Linear(h, 4)
        self.register_buffer("iu", torch.triu_indices(3, 3))

    def axes(self, feat):
        v = self.frame(feat)
        m = torch.zeros(len(v), 3, 3)
        m[:, self.iu[0], self.iu[1]] = v
        m = m + m.transpose(1, 2) + torch.eye(3)
        _, vec = torch.linalg.eigh(m)  # <- culprit
        return vec

    def forward(self, p, use_frame):
        feat = self.point(p).amax(1)
        if use_frame:
            p = p @ self.axes(feat)
            feat = feat + self.point(p).amax(1)
        return self.cls(feat)


model = FrameNet()
opt = torch.optim.AdamW(model.parameters(), lr=2e-3)
for it in range(240):
    p, y = clouds(32)
    loss = F.cross_entropy(model(p, it >= FRAME_FROM), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    if it % 20 == 0:
        print(f"iter {it:3d} ce {loss.item():.4f}")
