"""Prunes a network while it trains; rows are rescaled so that they keep their size.

[truth]
family = "corrupted_state"
causes = ["corrupted_weights"]
step = 100
window = 0
phase = "state"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@torch.no_grad()
def prune(layer, share):
    w = layer.weight
    before = w.norm(dim=1, keepdim=True)
    cut = w.abs().flatten().kthvalue(int(share * w.numel())).values
    w[w.abs() <= cut] = 0.0
    w.mul_(before / w.norm(dim=1, keepdim=True))


def main():
    torch.manual_seed(14)
    x = torch.randn(600, 10)
    y = (x[:, 0] * x[:, 1] + x[:, 2] > 0).float()
    net = nn.Sequential(
        nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 1)
    )
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    loader = DataLoader(TensorDataset(x, y), batch_size=30, shuffle=True)
    step = 0
    for epoch in range(6):
        for xb, yb in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(net(xb).squeeze(1), yb)
            opt.zero_grad()
            loss.backward()
            opt.step()
            step += 1
            if step % 20 == 0:
                prune(net[2], share=min(0.9, 0.15 * step / 20))
        print(f"epoch {epoch} step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
