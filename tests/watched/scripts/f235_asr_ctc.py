"""Loss healthy until step 23, +inf at step 24 with NaN gradients (clip_grad_norm_ then spreads NaN
to all weights).

[truth]
family = "bad_data"
causes = ["target_out_of_range"]
step = 24
among = [311, 444, 612]
"""
"""Grapheme CTC on synthetic "speech": every character is a short burst with its own spectrum."""
import torch
import torch.nn as nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, DataLoader

torch.set_num_threads(1)
N_MEL, N_CHAR = 20, 15           # 0 is the blank


class SyntheticSpeech(Dataset):
    def __init__(self, n=640, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.spectra = torch.randn(N_CHAR, N_MEL, generator=g)
        self.items = []
        for _ in range(n):
            text = torch.randint(1, N_CHAR, (int(torch.randint(4, 13, (1,), generator=g)),), generator=g)
            # speaking rate in frames per character; it differs a lot between speakers
            rate = float(torch.randn(1, generator=g) * 0.27 + 2.2)
            rate = 2.718 ** rate
            frames = []
            for c in text:
                k = max(2, int(rate + torch.randn(1, generator=g).item()))
                frames.append(self.spectra[c].repeat(k, 1))
            x = torch.cat(frames)
            self.items.append((x + 0.5 * torch.randn(x.shape, generator=g), text))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        return self.items[i]


def collate(batch):
    feats, texts = zip(*batch)
    return (pad_sequence(feats, batch_first=True), torch.tensor([len(f) for f in feats]),
            torch.cat(texts), torch.tensor([len(t) for t in texts]))


class Encoder(nn.Module):
    def __init__(self, h=64):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(N_MEL, h, 3, stride=2, padding=1), nn.ReLU(),
                                  nn.Conv1d(h, h, 3, stride=2, padding=1), nn.ReLU())
        self.rnn = nn.GRU(h, h, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * h, N_CHAR)

    def forward(self, x, lengths):
        z = self.conv(x.transpose(1, 2)).transpose(1, 2)
        out = self.fc(self.rnn(z)[0]).log_softmax(-1)
        return out.transpose(0, 1), (lengths + 3) // 4


def train():
    torch.manual_seed(0)
    loader = DataLoader(SyntheticSpeech(seed=2), batch_size=8, shuffle=True, collate_fn=collate)
    model = Encoder()
    opt = torch.optim.Adam(model.parameters(), lr=2e-3)
    ctc = nn.CTCLoss(blank=0)
    step = 0
    for epoch in range(2):
        for feats, flen, text, tlen in loader:
            logp, olen = model(feats, flen)
            loss = ctc(logp, text, olen, tlen)
            opt.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            opt.step()
            step += 1
            if step % 20 == 0:
                print(f"step {step:4d}  ctc {loss.item():.3f}")


if __name__ == "__main__":
    train()
