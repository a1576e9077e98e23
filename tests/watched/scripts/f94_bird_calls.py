"""Classifies bird calls; the species are numbered in the annotation file.

[truth]
family = "bad_data"
causes = ["index_out_of_range"]
step = 22
window = 0
phase = "crash"
samples = [133]
"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SPECIES = 5


class BirdCalls(Dataset):
    def __init__(self, n=250):
        g = torch.Generator().manual_seed(44)
        self.species = torch.randint(0, SPECIES, (n,), generator=g)
        tone = torch.randn(SPECIES, 1, 40, generator=g)
        self.sound = tone[self.species] + 0.4 * torch.randn(n, 1, 40, generator=g)
        self.species[133] = SPECIES  # counted from one by this annotator

    def __getitem__(self, i):
        return {"sound": self.sound[i], "species": self.species[i], "row": i}

    def __len__(self):
        return len(self.species)


class CallNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 8, 7, stride=3)
        self.norm = nn.BatchNorm1d(8)
        self.fc = nn.Linear(8 * 12, SPECIES)

    def forward(self, x):
        return self.fc(torch.relu(self.norm(self.conv(x))).flatten(1))


def main():
    torch.manual_seed(44)
    model = CallNet()
    opt = torch.optim.Adam(model.parameters(), lr=3e-3)
    loader = DataLoader(BirdCalls(), batch_size=10, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(4):
        for i, batch in enumerate(loader):
            out = model(batch["sound"])
            loss = criterion(out, batch["species"])  # <- culprit
            opt.zero_grad()
            loss.backward()
            opt.step()
            if i % 10 == 0:
                print("epoch", epoch, "batch", i, "loss", loss.item())


if __name__ == "__main__":
    main()
