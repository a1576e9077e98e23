"""Linear recurrence with A = 1.04*orthogonal is harmless at length 8; at step 150 the length
becomes 128 and loss is 2763, gradient norm 5.7e5 (mostly A); step 151 is NaN.

[truth]
family = "exploding_gradients"
causes = ["recurrent_growth", "gradient_growth"]
step = 150
window = 1
"""
"""Diagonal-plus-dense linear state-space layer; counting task with growing sequence length."""
import torch
from torch import nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(8)


class SSM(nn.Module):
    """h_t = A h_{t-1} + B x_t,  y = C h_T"""

    def __init__(self, d_in, n, d_out):
        super().__init__()
        q, _ = torch.linalg.qr(torch.randn(n, n))
        self.A = nn.Parameter(1.04 * q)     # slightly above one keeps the memory alive
        self.B = nn.Parameter(torch.randn(n, d_in) / n ** 0.5)
        self.C = nn.Parameter(torch.randn(d_out, n) / n ** 0.5)

    def forward(self, x):
        h = x.new_zeros(x.size(0), self.A.size(0))
        for t in range(x.size(1)):
            h = h @ self.A.T + x[:, t] @ self.B.T
        return h @ self.C.T


def batch(T, n=32):
    x = (torch.rand(n, T, 3) < 0.3).float()
    y = x.sum(1) / T           # frequency of each event
    return x, y


SCHEDULE = [(8, 150), (128, 150)]     # (length, steps)
model = SSM(3, 24, 3)
optim = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
step = 0
for T, n_steps in SCHEDULE:
    for _ in range(n_steps):
        x, y = batch(T)
        loss = F.mse_loss(model(x), y)
        optim.zero_grad()
        loss.backward()
        optim.step()
        if step % 20 == 0:
            print(f"len {T:3d} step {step:4d} loss {loss.item():.5f}")
        step += 1
