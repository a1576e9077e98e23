"""GRU + CTC recogniser of symbol sequences from noisy frames.

[truth]
family = "bad_data"
causes = ["target_out_of_range"]
step = 45
window = 0
phase = "loss"
samples = [733]
"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

SYMBOLS, FEATS = 8, 10


class Strokes(Dataset):
    def __init__(self, n=1600, seed=4):
        g = torch.Generator().manual_seed(seed)
        self.proto = torch.randn(SYMBOLS + 1, FEATS, generator=g)
        self.x, self.y = [], []
        for i in range(n):
            k = int(torch.randint(2, 6, (1,), generator=g))
            y = torch.randint(1, SYMBOLS + 1, (k,), generator=g)
            frames = []
            for s in y.tolist():
                frames += [self.proto[s]] * int(torch.randint(2, 4, (1,), generator=g)) + [self.proto[0]]
            x = torch.stack(frames)
            x = x + 0.2 * torch.randn(x.shape, generator=g)
            if i == 733:
                x = x[:3]
                y = torch.cat([y, y])
            self.x.append(x)
            self.y.append(y)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return i, self.x[i], self.y[i]


def collate(rows):
    xs = [r[1] for r in rows]
    ys = [r[2] for r in rows]
    return (nn.utils.rnn.pad_sequence(xs, batch_first=True), torch.tensor([len(x) for x in xs]),
            torch.cat(ys), torch.tensor([len(y) for y in ys]))


class Recogniser(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.rnn = nn.GRU(FEATS, hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * hidden, SYMBOLS + 1)

    def forward(self, x):
        h, _ = self.rnn(x)
        return self.out(h).log_softmax(-1).transpose(0, 1)


torch.manual_seed(4)
net = Recogniser()
loader = DataLoader(Strokes(), batch_size=16, collate_fn=collate)
optim = torch.optim.Adam(net.parameters(), lr=8e-3)
ctc = nn.CTCLoss(blank=0)

for epoch in range(2):
    tot = 0.0
    for x, xl, y, yl in loader:
        optim.zero_grad()
        loss = ctc(net(x), y, xl, yl)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optim.step()
        tot += loss.item()
    print("epoch", epoch, "ctc", round(tot / len(loader), 3))
