"""Trains a CRNN on rendered digit strips of varying width with CTC.

[truth]
family = "bad_data"
causes = ["target_out_of_range", "log_of_zero"]
step = 137
window = 0
phase = "loss"
samples = [2152]
"""
import torch
from torch import nn
from torch.utils.data import Dataset, DataLoader

torch.manual_seed(1234)
ALPHABET = "-0123456789"
H = 12
GLYPHS = (torch.rand(11, H, 6) > 0.5).float()


class StripDataset(Dataset):
    """Meter readings cut out of photos, left aligned, 6 px per digit.

    The label is what the operator typed in, e.g. '00417'.
    """

    def __init__(self, n, seed):
        g = torch.Generator().manual_seed(seed)
        self.labels = []
        for i in range(n):
            k = int(torch.randint(3, 7, (1,), generator=g))
            self.labels.append(torch.randint(1, 11, (k,), generator=g))
        self.widths = [6 * len(l) + 2 for l in self.labels]

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        w = self.widths[i]
        img = torch.zeros(1, H, w)
        x = 1
        for d in self.labels[i]:
            img[0, :, x:x + 6] = GLYPHS[d]
            x += 6
        return img, self.labels[i]


def align_collate(batch):
    imgs, labels = zip(*batch)
    widths = torch.tensor([im.size(2) for im in imgs])
    out = torch.zeros(len(imgs), 1, H, 48)
    for i, im in enumerate(imgs):
        out[i, :, :, :im.size(2)] = im
    lens = torch.tensor([len(l) for l in labels])
    return out, widths, torch.cat(labels), lens


class CRNN(nn.Module):
    def __init__(self, nclass=11, nh=48):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(True), nn.MaxPool2d(2, 2),
            nn.Conv2d(16, 32, 3, 1, 1), nn.BatchNorm2d(32), nn.ReLU(True), nn.MaxPool2d(2, 2),
        )
        self.rnn = nn.GRU(32 * (H // 4), nh, bidirectional=True)
        self.embedding = nn.Linear(nh * 2, nclass)

    def forward(self, x):
        conv = self.cnn(x)
        b, c, h, w = conv.size()
        conv = conv.permute(3, 0, 1, 2).reshape(w, b, c * h)     # [w, b, c*h]
        out, _ = self.rnn(conv)
        return self.embedding(out).log_softmax(2)


train_loader = DataLoader(StripDataset(6000, 9), batch_size=16, shuffle=True, collate_fn=align_collate)
test_loader = DataLoader(StripDataset(64, 2), batch_size=64, collate_fn=align_collate)

crnn = CRNN()
criterion = nn.CTCLoss(blank=0)
optimizer = torch.optim.RMSprop(crnn.parameters(), lr=1e-3)


def decode(row):
    raw = [int(k) for k in row]
    return "".join(ALPHABET[k] for j, k in enumerate(raw) if k and (j == 0 or raw[j - 1] != k))


i, running = 0, 0.0
for epoch in range(2):
    for img, width, text, length in train_loader:
        img += 0.1 * torch.randn_like(img)
        preds = crnn(img)
        cost = criterion(preds, text, width // 4, length)  # <- culprit
        crnn.zero_grad()
        cost.backward()
        nn.utils.clip_grad_norm_(crnn.parameters(), 5.0)
        optimizer.step()
        running += cost.item()
        i += 1
        if i % 50 == 0:
            print("[%d/%d][%d] Loss: %f" % (epoch, 2, i, running / 50))
            running = 0.0
    crnn.eval()
    with torch.no_grad():
        img, width, text, length = next(iter(test_loader))
        best = crnn(img).argmax(2).t()
        pos = 0
        for row, w, n in list(zip(best, width, length))[:5]:
            gt = "".join(ALPHABET[k] for k in text[pos:pos + n])
            print("%-12s gt: %s" % (decode(row[: w // 4]), gt))
            pos += int(n)
    crnn.train()
