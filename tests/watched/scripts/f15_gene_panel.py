"""Clusters gene panels; activations are standardised over the batch by hand.

[truth]
family = "bad_data"
causes = ["partial_last_batch"]
step = 9
window = 0
phase = "forward"
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Encoder(nn.Module):
    def __init__(self, genes=30, code=6):
        super().__init__()
        self.inner = nn.Linear(genes, 24)
        self.code = nn.Linear(24, code)
        self.decoder = nn.Sequential(nn.Linear(code, 24), nn.ELU(), nn.Linear(24, genes))

    def forward(self, x):
        h = self.inner(x)
        h = (h - h.mean(0)) / (h.std(0) + 1e-5)  # <- culprit
        z = self.code(torch.nn.functional.elu(h))
        return self.decoder(z), z


def main(epochs=8):
    torch.manual_seed(77)
    centres = torch.randn(4, 30)
    panel = centres[torch.randint(0, 4, (145,))] + 0.3 * torch.randn(145, 30)
    loader = DataLoader(TensorDataset(panel), batch_size=16, shuffle=True)
    model = Encoder()
    optimizer = torch.optim.NAdam(model.parameters(), lr=3e-3)
    for epoch in range(epochs):
        for (x,) in loader:
            recon, z = model(x)
            loss = (recon - x).pow(2).mean() + 1e-3 * z.pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: {loss.item():.4f}")


if __name__ == "__main__":
    main()
