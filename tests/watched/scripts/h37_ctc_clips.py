"""BiGRU + CTC recogniser of symbol sequences; a few clips are shorter than their transcription and contribute nothing.

[truth]
family = "healthy"
causes = []
"""
import argparse

import torch
import torch.nn as nn

p = argparse.ArgumentParser()
p.add_argument("--epochs", type=int, default=3)
p.add_argument("--lr", type=float, default=6e-3)
p.add_argument("--symbols", type=int, default=6)
opt_args = p.parse_args()

g = torch.Generator().manual_seed(23)
torch.manual_seed(23)
S, FEATS = opt_args.symbols, 8
codebook = torch.randn(S + 1, FEATS, generator=g)


def clip():
    k = int(torch.randint(2, 5, (1,), generator=g))
    label = torch.randint(1, S + 1, (k,), generator=g)
    rows = []
    for s in label.tolist():
        rows += [codebook[0]] + [codebook[s]] * 2
    x = torch.stack(rows)
    x = x + 0.3 * torch.randn(x.shape, generator=g)
    if torch.rand(1, generator=g) < 0.01:
        x = x[: k - 1]
    return x, label


clips = [clip() for _ in range(1280)]
net = nn.ModuleDict({"rnn": nn.GRU(FEATS, 32, batch_first=True, bidirectional=True), "out": nn.Linear(64, S + 1)})
optimizer = torch.optim.Adam(net.parameters(), lr=opt_args.lr)
criterion = nn.CTCLoss(zero_infinity=True)
for epoch in range(opt_args.epochs):
    running = 0.0
    for b in range(0, len(clips), 16):
        xs, ys = zip(*clips[b : b + 16])
        x = nn.utils.rnn.pad_sequence(xs, batch_first=True)
        log_probs = net["out"](net["rnn"](x)[0]).log_softmax(-1).transpose(0, 1)
        loss = criterion(log_probs, torch.cat(ys), torch.tensor([len(v) for v in xs]), torch.tensor([len(v) for v in ys]))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 3.0)
        optimizer.step()
        running += loss.item()
    print("epoch", epoch, "mean ctc loss", round(running / (len(clips) / 16), 4))
