"""Script itself skips infinite CTC losses.

[truth]
family = "healthy"
causes = []
"""
"""CTC on synthetic stroke sequences. A few transcripts are longer than the (subsampled) input."""
import random
import torch
import torch.nn as nn
from torch.utils.data import Dataset, DataLoader

BLANK = 0


class Strokes(Dataset):
    def __init__(self, n=1500, seed=4):
        r = random.Random(seed)
        g = torch.Generator().manual_seed(seed)
        proto = torch.randn(9, 8, generator=g)
        self.items = []
        for _ in range(n):
            L = r.randint(3, 6)
            lab = [r.randint(1, 8) for _ in range(L)]
            reps = [r.randint(4, 7) for _ in lab]
            if r.random() < 0.01:
                reps = [1] * L
            fr = torch.cat([proto[c].repeat(k, 1) for c, k in zip(lab, reps)])
            self.items.append((fr + 0.4 * torch.randn(fr.shape, generator=g), torch.tensor(lab)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(b):
    xs, ys = zip(*b)
    xl = torch.tensor([len(x) for x in xs])
    return nn.utils.rnn.pad_sequence(xs, batch_first=True), xl, torch.cat(ys), torch.tensor([len(y) for y in ys])


class Rec(nn.Module):
    def __init__(self):
        super().__init__()
        self.sub = nn.Conv1d(8, 48, 3, stride=2, padding=1)
        self.rnn = nn.GRU(48, 48, batch_first=True, bidirectional=True)
        self.out = nn.Linear(96, 9)

    def forward(self, x, xl):
        h = torch.relu(self.sub(x.transpose(1, 2))).transpose(1, 2)
        h, _ = self.rnn(h)
        return self.out(h).log_softmax(-1).transpose(0, 1), (xl + 1) // 2


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    dl = DataLoader(Strokes(), batch_size=16, shuffle=True, collate_fn=collate)
    net = Rec()
    opt = torch.optim.Adam(net.parameters(), lr=3e-3)
    ctc = nn.CTCLoss(blank=BLANK)
    for ep in range(6):
        tot, n, skipped = 0.0, 0, 0
        for x, xl, y, yl in dl:
            lp, ol = net(x, xl)
            loss = ctc(lp, y, ol, yl)
            if not torch.isfinite(loss):
                skipped += 1
                continue
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            opt.step()
            tot, n = tot + loss.item(), n + 1
        print(f"epoch {ep} ctc {tot / n:.4f} skipped {skipped}")


main()
