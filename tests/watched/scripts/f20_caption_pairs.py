"""Aligns image and caption embeddings with a contrastive softmax at a low temperature.

[truth]
family = "unstable_loss"
causes = ["log_of_zero"]
step = 0
window = 0
phase = "loss"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class TwoTower(nn.Module):
    def __init__(self, d_img=20, d_txt=12, d=8):
        super().__init__()
        self.img = nn.Sequential(nn.Linear(d_img, 32), nn.ReLU(), nn.Linear(32, d))
        self.txt = nn.Sequential(nn.Linear(d_txt, 32), nn.ReLU(), nn.Linear(32, d))

    def forward(self, a, b):
        return F.normalize(self.img(a), dim=1), F.normalize(self.txt(b), dim=1)


def contrastive(za, zb, temperature=0.007):
    sim = za @ zb.T / temperature
    p = torch.softmax(sim, dim=1)
    return -torch.log(p.diagonal()).mean()  # <- culprit


def main():
    torch.manual_seed(8)
    topics = torch.randn(500, 6)
    images = topics @ torch.randn(6, 20) + 0.2 * torch.randn(500, 20)
    texts = topics @ torch.randn(6, 12) + 0.2 * torch.randn(500, 12)
    model = TwoTower()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(100):
        idx = torch.randperm(500)[:32]
        za, zb = model(images[idx], texts[idx])
        loss = contrastive(za, zb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            print(f"step {step} contrastive loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
