"""Named-entity tagger (conv + GRU) fine-tuned on the labelled part of each sentence only.

[truth]
family = "bad_data"
causes = ["empty_targets"]
step = 36
window = 0
phase = "loss"
samples = [288, 289, 290, 291, 292, 293, 294, 295]
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from accelerate import Accelerator
from torch.utils.data import DataLoader, Dataset

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
IGNORE = -100


class Sentences(Dataset):
    def __init__(self, n=960, length=18, seed=6):
        g = torch.Generator().manual_seed(seed)
        self.words = torch.randint(10, 110, (n, length), generator=g)
        self.tags = torch.zeros(n, length, dtype=torch.long)
        for i in range(n):
            at = int(torch.randint(0, length - 2, (1,), generator=g))
            kind = int(torch.randint(0, 2, (1,), generator=g))
            self.words[i, at] = 2 + kind * 4
            self.words[i, at + 1] = 3 + kind * 4
            self.tags[i, at] = 1 + 2 * kind
            self.tags[i, at + 1] = 2 + 2 * kind
        labelled = torch.rand(n, length, generator=g) < 0.8
        labelled[288:296] = False
        self.tags[~labelled] = IGNORE

    def __len__(self):
        return len(self.words)

    def __getitem__(self, i):
        return {"input_ids": self.words[i], "labels": self.tags[i]}


class Tagger(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(110, 24)
        self.conv = nn.Conv1d(24, 32, 3, padding=1)
        self.gru = nn.GRU(32, 24, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(48, len(LABELS))

    def forward(self, ids):
        x = F.relu(self.conv(self.emb(ids).transpose(1, 2))).transpose(1, 2)
        return self.fc(self.gru(x)[0])


def token_loss(logits, labels):
    mask = (labels != IGNORE).float()
    per_token = F.cross_entropy(logits.transpose(1, 2), labels.clamp(min=0), reduction="none")
    return (per_token * mask).sum() / mask.sum()


def main():
    torch.manual_seed(6)
    accelerator = Accelerator(cpu=True)
    model = Tagger()
    opt = torch.optim.AdamW(model.parameters(), lr=3e-3)
    loader = DataLoader(Sentences(), batch_size=8)
    model, opt, loader = accelerator.prepare(model, opt, loader)
    for epoch in range(1):
        for i, batch in enumerate(loader):
            loss = token_loss(model(batch["input_ids"]), batch["labels"])
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
            opt.step()
            opt.zero_grad()
            if i % 20 == 0:
                accelerator.print(f"batch {i}: {loss.item():.4f}")


if __name__ == "__main__":
    main()
