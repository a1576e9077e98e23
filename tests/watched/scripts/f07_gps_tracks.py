"""Recognises the means of transport from GPS tracks of different lengths.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 7
window = 0
phase = "input"
samples = [203]
"""
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset


class Tracks(Dataset):
    def __init__(self):
        random.seed(17)
        gen = torch.Generator().manual_seed(17)
        self.items = []
        for k in range(256):
            label = k % 3
            length = random.randint(5, 14)
            hop = (0.2 + 0.4 * label) * torch.rand(length, 2, generator=gen)
            seconds = torch.ones(length)
            if k == 203:
                seconds[4] = 0.0
                hop[4] = 0.0
            self.items.append({"xy": hop, "dt": seconds, "mode": label})

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        item = self.items[i]
        speed = item["xy"] / item["dt"][:, None]
        return speed, item["mode"]


def collate(batch):
    speeds, modes = zip(*batch)
    lengths = torch.tensor([len(s) for s in speeds])
    return pad_sequence(speeds, batch_first=True), lengths, torch.tensor(modes)


class TrackNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.proj = nn.Linear(2, 16)
        self.gru = nn.GRU(16, 24, batch_first=True)
        self.out = nn.Linear(24, 3)

    def forward(self, x, lengths):
        h = torch.relu(self.proj(x))  # <- culprit
        packed = pack_padded_sequence(h, lengths, batch_first=True, enforce_sorted=False)
        _, last = self.gru(packed)
        return self.out(last[0])


torch.manual_seed(9)
net = TrackNet()
opt = torch.optim.RMSprop(net.parameters(), lr=3e-3)
loader = DataLoader(Tracks(), batch_size=16, shuffle=True, collate_fn=collate)
for epoch in range(5):
    for x, lengths, y in loader:
        loss = nn.functional.cross_entropy(net(x, lengths), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
    print("epoch", epoch, "last loss", float(loss))
