"""Fuses readings of sensors, some of them offline, with nn.MultiheadAttention.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 17
window = 0
phase = "forward"
"""
import torch
from torch import nn

torch.manual_seed(51)


class Fusion(nn.Module):
    def __init__(self, sensors=5, width=16):
        super().__init__()
        self.lift = nn.Linear(1, width)
        self.place = nn.Parameter(0.1 * torch.randn(sensors, width))
        self.attn = nn.MultiheadAttention(width, num_heads=2, batch_first=True)
        self.read = nn.Linear(width, 1)

    def forward(self, values, offline):
        tokens = self.lift(values.unsqueeze(-1)) + self.place
        mixed, weights = self.attn(tokens, tokens, tokens, key_padding_mask=offline)  # <- culprit
        return self.read(mixed.mean(1)).squeeze(1), weights


def read_sensors(batch=20, p_offline=0.25):
    level = torch.randn(batch)
    values = level[:, None] + 0.2 * torch.randn(batch, 5)
    offline = torch.rand(batch, 5) < p_offline
    return values.masked_fill(offline, 0.0), offline, level


fusion = Fusion()
opt = torch.optim.Adam(fusion.parameters(), lr=3e-3)
ema = None
for t in range(150):
    values, offline, level = read_sensors()
    estimate, _ = fusion(values, offline)
    loss = (estimate - level).abs().mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    ema = loss.item() if ema is None else 0.95 * ema + 0.05 * loss.item()
    if t % 30 == 0:
        print(f"t={t} ema={ema:.4f}")
