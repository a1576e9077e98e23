"""A small training that fails: `gradcheck watch sample_logs/train_spectra.py` tells why."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
torch.set_num_threads(1)
wavelengths = torch.linspace(0, 6.28, 24)
phase = torch.rand(512, 1) * 6.28
spectra = torch.sin(wavelengths + phase) + 0.1 * torch.randn(512, 24)
spectra[301] = 0.0  # the shutter stayed closed
loader = DataLoader(TensorDataset(spectra, torch.sin(phase)), batch_size=16, shuffle=True)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(24, 32), nn.GELU())
        self.head = nn.Linear(32, 1)

    def forward(self, x):
        energy = x.pow(2).sum(dim=1, keepdim=True)
        return self.head(self.encoder(x / energy.sqrt()))


model = Net()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for epoch in range(3):
    for x, y in loader:
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: loss {loss.item():.4f}")
