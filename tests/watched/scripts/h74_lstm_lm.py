"""Trains a word-level LSTM language model with truncated BPTT on a synthetic grammar.

[truth]
family = "healthy"
causes = []
"""
import argparse
import math
import time

import torch
import torch.nn as nn

parser = argparse.ArgumentParser(description="LSTM language model")
parser.add_argument("--emsize", type=int, default=48)
parser.add_argument("--nhid", type=int, default=96)
parser.add_argument("--nlayers", type=int, default=2)
parser.add_argument("--lr", type=float, default=20)
parser.add_argument("--clip", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--batch_size", type=int, default=20)
parser.add_argument("--bptt", type=int, default=25)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--seed", type=int, default=1111)
parser.add_argument("--log-interval", type=int, default=30)
args = parser.parse_args()
torch.manual_seed(args.seed)


class Corpus:
    def __init__(self):
        self.word2idx = {}
        g = torch.Generator().manual_seed(3)
        dets, nouns, verbs = ["the", "a", "some"], ["n%d" % i for i in range(30)], ["v%d" % i for i in range(20)]
        agree = torch.randint(0, 20, (30,), generator=g).tolist()

        def pick(k):
            return int(torch.randint(0, k, (1,), generator=g))

        def sentence():
            n = pick(30)
            out = [dets[pick(3)], nouns[n]]
            if pick(3) == 0:
                m = pick(30)
                out += ["of", dets[pick(3)], nouns[m]]
            out += [verbs[(agree[n] + pick(2)) % 20], dets[pick(3)], nouns[(n * 7 + pick(3)) % 30], "<eos>"]
            return out

        self.train = self.tokenize([sentence() for _ in range(6000)])
        self.valid = self.tokenize([sentence() for _ in range(400)])

    def tokenize(self, sents):
        ids = []
        for s in sents:
            for w in s:
                ids.append(self.word2idx.setdefault(w, len(self.word2idx)))
        return torch.tensor(ids)


def batchify(data, bsz):
    nbatch = data.size(0) // bsz
    return data[:nbatch * bsz].view(bsz, -1).t().contiguous()


def get_batch(source, i):
    seq_len = min(args.bptt, len(source) - 1 - i)
    return source[i:i + seq_len], source[i + 1:i + 1 + seq_len].reshape(-1)


class RNNModel(nn.Module):
    def __init__(self, ntoken):
        super().__init__()
        self.drop = nn.Dropout(args.dropout)
        self.encoder = nn.Embedding(ntoken, args.emsize)
        self.rnn = nn.LSTM(args.emsize, args.nhid, args.nlayers, dropout=args.dropout)
        self.decoder = nn.Linear(args.nhid, ntoken)
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)
        nn.init.uniform_(self.decoder.weight, -0.1, 0.1)

    def forward(self, inp, hidden):
        out, hidden = self.rnn(self.drop(self.encoder(inp)), hidden)
        return self.decoder(self.drop(out)).view(-1, self.decoder.out_features), hidden

    def init_hidden(self, bsz):
        z = torch.zeros(args.nlayers, bsz, args.nhid)
        return z, z.clone()


def repackage_hidden(h):
    return tuple(v.detach() for v in h)


corpus = Corpus()
train_data, val_data = batchify(corpus.train, args.batch_size), batchify(corpus.valid, 10)
model = RNNModel(len(corpus.word2idx))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)


def evaluate(source):
    model.eval()
    total, hidden = 0.0, model.init_hidden(10)
    with torch.no_grad():
        for i in range(0, len(source) - 1, args.bptt):
            data, targets = get_batch(source, i)
            output, hidden = model(data, hidden)
            total += len(data) * criterion(output, targets).item()
    return total / (len(source) - 1)


def train(epoch, lr):
    model.train()
    total, clipped, hidden, start = 0.0, 0, model.init_hidden(args.batch_size), time.time()
    for b, i in enumerate(range(0, len(train_data) - 1, args.bptt)):
        data, targets = get_batch(train_data, i)
        model.zero_grad()
        hidden = repackage_hidden(hidden)
        output, hidden = model(data, hidden)
        loss = criterion(output, targets)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        clipped += int(norm > args.clip)
        for g in optimizer.param_groups:
            g["lr"] = lr
        optimizer.step()
        total += loss.item()
        if (b + 1) % args.log_interval == 0:
            cur = total / args.log_interval
            print(f"| epoch {epoch} | batch {b + 1:3d} | lr {lr:5.2f} | loss {cur:5.3f} | ppl {math.exp(cur):7.2f} | clipped {clipped / args.log_interval:.2f}")
            total, clipped = 0.0, 0
    return time.time() - start


lr, best = args.lr, None
for epoch in range(1, args.epochs + 1):
    secs = train(epoch, lr)
    val = evaluate(val_data)
    print(f"| end of epoch {epoch} | {secs:.1f}s | valid loss {val:.3f} | valid ppl {math.exp(val):.2f}")
    if best is None or val < best:
        best = val
    else:
        lr /= 4.0
