"""Learns a filter with a compiled model (no code generation) and writes a history file.

[truth]
family = "healthy"
causes = []
"""
import csv
import os
import tempfile

import torch
from torch import nn


def main():
    torch.manual_seed(21)
    net = nn.Sequential(nn.Conv1d(1, 8, 5, padding=2), nn.ReLU(), nn.Conv1d(8, 1, 5, padding=2))
    fast = torch.compile(net, backend="aot_eager")
    opt = torch.optim.Adam(net.parameters(), lr=5e-3)
    folder = tempfile.mkdtemp()
    rows = []
    for step in range(80):
        x = torch.randn(16, 1, 32)
        y = 0.5 * x + 0.25 * x.roll(1, -1) - 0.25 * x.roll(-1, -1)
        loss = nn.functional.mse_loss(fast(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
        rows.append((step, loss.item()))
        if step % 20 == 0:
            print(f"step {step} loss {loss.item():.4f}")
    with open(os.path.join(folder, "history.csv"), "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    torch.save(net.state_dict(), os.path.join(folder, "filter.pt"))
    print("wrote", sorted(os.listdir(folder)))


if __name__ == "__main__":
    main()
