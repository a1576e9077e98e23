"""Collate sorts the sequences by length but not the labels: labels shuffled within batch, loss
stays at ln 4.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
"""
# Exercise 7: LSTM for gait classification of accelerometer sequences of different lengths
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import Dataset, DataLoader
import math

torch.set_num_threads(1)
torch.manual_seed(10)


class GaitDataset(Dataset):
    freqs = [0.15, 0.3, 0.45, 0.6]

    def __init__(self, n):
        self.samples = []
        for _ in range(n):
            c = torch.randint(0, 4, (1,)).item()
            L = torch.randint(15, 40, (1,)).item()
            t = torch.arange(L).float()
            ph = torch.rand(1) * 2 * math.pi
            x = torch.stack([torch.sin(2 * math.pi * self.freqs[c] * t / 2 + ph), torch.cos(2 * math.pi * self.freqs[c] * t / 2 + ph)], 1)
            self.samples.append((x + 0.2 * torch.randn(L, 2), c))

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, i):
        return self.samples[i]


def collate(batch):
    xs, ys = zip(*batch)
    xs = sorted(xs, key=len, reverse=True)
    lengths = torch.tensor([len(x) for x in xs])
    return pad_sequence(xs), lengths, torch.tensor(ys)


class GaitLSTM(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.lstm = nn.LSTM(2, hidden)
        self.fc = nn.Linear(hidden, 4)

    def forward(self, x, lengths):
        _, (h, _) = self.lstm(pack_padded_sequence(x, lengths))
        return self.fc(h[-1])


train_loader = DataLoader(GaitDataset(2000), batch_size=50, shuffle=True, collate_fn=collate)
model = GaitLSTM()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for epoch in range(6):
    correct, total, epoch_loss = 0, 0, 0.0
    for x, lengths, y in train_loader:
        optimizer.zero_grad()
        out = model(x, lengths)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
        epoch_loss += loss.item()
        correct += (out.argmax(1) == y).sum().item()
        total += len(y)
    print(f"Epoch {epoch + 1}: loss {epoch_loss / len(train_loader):.4f}, accuracy {correct / total:.3f}")
