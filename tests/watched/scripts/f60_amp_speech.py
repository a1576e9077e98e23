"""Recognises spoken digits with autocast in float16 and a gradient scaler.

[truth]
family = "unstable_loss"
causes = ["half_precision_overflow"]
step = 50
window = 0
phase = "forward"
"""
import torch
from torch import nn


class SpeechNet(nn.Module):
    def __init__(self, frames=20, mels=16):
        super().__init__()
        self.energy = nn.Linear(mels, 64)
        self.mix = nn.Linear(64 * frames, 64)
        self.out = nn.Linear(64, 10)

    def forward(self, mel):
        h = torch.relu(self.energy(mel))
        h = h * h  # <- culprit
        h = self.mix(h.flatten(1))
        return self.out(nn.functional.layer_norm(h, h.shape[-1:]))


def clips(n, loud=False):
    digit = torch.randint(0, 10, (n,))
    pattern = torch.sin(digit[:, None, None] * torch.arange(1, 17) / 5 + torch.arange(20)[:, None])
    mel = 2 * pattern + 0.5 * torch.randn(n, 20, 16)
    if loud:
        mel[0] *= 200  # microphone hit by the speaker
    return mel, digit


def main():
    torch.manual_seed(21)
    net = SpeechNet()
    opt = torch.optim.Adam(net.parameters(), lr=1e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=128.0)
    for step in range(80):
        mel, digit = clips(24, loud=step >= 50)
        with torch.autocast("cpu", dtype=torch.float16):
            loss = nn.functional.cross_entropy(net(mel), digit)
        opt.zero_grad()
        scaler.scale(loss).backward()
        scaler.step(opt)
        scaler.update()
        if step % 10 == 0:
            print(f"step {step}: loss {loss.item():.4f} scale {scaler.get_scale():.0f}")


if __name__ == "__main__":
    main()
