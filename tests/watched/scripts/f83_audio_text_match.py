"""Matches sounds with words; the temperature of the softmax is learned.

[truth]
family = "exploding_gradients"
causes = ["temperature_runaway", "learning_rate_too_high"]
step = 1
window = 5
"""
import torch
import torch.nn.functional as F
from torch import nn


class Matcher(nn.Module):
    def __init__(self):
        super().__init__()
        self.sound = nn.Linear(24, 8)
        self.word = nn.Embedding(30, 8)
        self.logit_scale = nn.Parameter(torch.tensor(2.6593))

    def forward(self, sound, word):
        a = F.normalize(self.sound(sound), dim=-1)
        b = F.normalize(self.word(word), dim=-1)
        return self.logit_scale.exp() * a @ b.T


def main():
    torch.manual_seed(5)
    proto = torch.randn(30, 24)
    model = Matcher()
    opt = torch.optim.SGD(model.parameters(), lr=0.3, momentum=0.9)
    for step in range(150):
        word = torch.randperm(30)[:16]
        logits = model(proto[word] + 0.2 * torch.randn(16, 24), word)
        label = torch.arange(16)
        loss = (F.cross_entropy(logits, label) + F.cross_entropy(logits.T, label)) / 2
        opt.zero_grad()
        loss.backward()
        opt.step()
        if step % 10 == 0:
            print(f"step {step} loss {loss.item():.4f} scale {model.logit_scale.exp().item():.3g}")


if __name__ == "__main__":
    main()
