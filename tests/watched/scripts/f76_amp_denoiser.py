"""Denoises short signals with mixed precision, a scaler and gradient clipping.

[truth]
family = "exploding_gradients"
causes = ["clipping_before_unscale"]
step = 0
window = 20
"""
import torch
from torch import nn


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Conv1d(1, 16, 7, padding=3), nn.ReLU(), nn.Conv1d(16, 16, 5, padding=2), nn.ReLU(),
            nn.Conv1d(16, 1, 5, padding=2),
        )

    def forward(self, x):
        return self.net(x)


def signal(n, length=48):
    t = torch.linspace(0, 1, length)
    f = 1 + 4 * torch.rand(n, 1)
    clean = torch.sin(6.2832 * f * t + 6.2832 * torch.rand(n, 1))
    return (clean + 0.4 * torch.randn(n, length)).unsqueeze(1), clean.unsqueeze(1)


if __name__ == "__main__":
    torch.manual_seed(68)
    model = Denoiser()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**14)
    for step in range(120):
        noisy, clean = signal(16)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = model(noisy)
        loss = nn.functional.mse_loss(out.float(), clean)
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
        scaler.step(optimizer)
        scaler.update()
        if step % 20 == 0:
            print(f"step {step} mse {loss.item():.5f} grad norm {norm.item():.1f}")
