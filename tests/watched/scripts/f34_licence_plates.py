"""Reads licence plates from strips of features with a CTC head.

[truth]
family = "bad_data"
causes = ["target_out_of_range"]
step = 14
window = 0
phase = "loss"
"""
import torch
from torch import nn

BLANK, SYMBOLS = 0, 10


class PlateReader(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(SYMBOLS + 1, 24, 4, stride=2, padding=1)
        self.rnn = nn.GRU(24, 24, batch_first=True, bidirectional=True)
        self.head = nn.Linear(48, SYMBOLS + 1)

    def forward(self, strip):
        h = torch.relu(self.conv(strip.transpose(1, 2))).transpose(1, 2)
        h, _ = self.rnn(h)
        return self.head(h).log_softmax(-1).transpose(0, 1)


def plate(length):
    text = torch.randint(1, SYMBOLS + 1, (length,))
    frames = text.repeat_interleave(16 // length + 1)[:16]
    strip = nn.functional.one_hot(frames, SYMBOLS + 1).float()
    return strip + 0.1 * torch.randn_like(strip), text


torch.manual_seed(62)
plates = [plate(int(torch.randint(3, 6, (1,)))) for _ in range(199)]
plates.insert(140, plate(12))  # two plates in one picture
reader = PlateReader()
ctc = nn.CTCLoss(blank=BLANK)
opt = torch.optim.Adam(reader.parameters(), lr=5e-3)
order = torch.randperm(len(plates))
step = 0
for epoch in range(4):
    for chunk in order.split(10):
        strips = torch.stack([plates[i][0] for i in chunk])
        texts = [plates[i][1] for i in chunk]
        logp = reader(strips)
        t_len = torch.full((len(texts),), logp.shape[0])
        u_len = torch.tensor([len(t) for t in texts])
        loss = ctc(logp, torch.cat(texts), t_len, u_len)  # <- culprit
        opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(reader.parameters(), 5.0)
        opt.step()
        step += 1
    print(f"epoch {epoch} ctc {loss.item():.4f}")
