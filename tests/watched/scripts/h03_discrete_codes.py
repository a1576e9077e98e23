"""Learns discrete codes with Gumbel noise drawn in half precision to save memory.

[truth]
family = "healthy"
causes = []
"""
import torch
from torch import nn


def gumbel_like(logits):
    u = torch.rand(logits.shape, dtype=torch.float16).float()
    return -torch.log(-torch.log(u))


class DiscreteAE(nn.Module):
    def __init__(self, dim=12, codes=6):
        super().__init__()
        self.enc = nn.Linear(dim, codes)
        self.dec = nn.Linear(codes, dim)

    def forward(self, x, tau):
        logits = self.enc(x)
        soft = torch.softmax((logits + gumbel_like(logits)) / tau, dim=-1)
        return self.dec(soft), soft


if __name__ == "__main__":
    torch.manual_seed(16)
    atoms = torch.randn(6, 12)
    ae = DiscreteAE()
    opt = torch.optim.Adam(ae.parameters(), lr=2e-2)
    tau = 1.0
    for step in range(150):
        x = atoms[torch.randint(6, (16,))] + 0.05 * torch.randn(16, 12)
        recon, code = ae(x, tau)
        loss = nn.functional.mse_loss(recon, x)
        opt.zero_grad()
        loss.backward()
        opt.step()
        tau = max(0.5, tau * 0.99)
        if step % 25 == 24:
            use = code.mean(0)
            print(f"{step + 1}: mse {loss.item():.4f} tau {tau:.2f} busiest {use.max().item():.2f}")
