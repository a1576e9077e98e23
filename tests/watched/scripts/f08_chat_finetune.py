"""Fine-tunes a tiny decoder on prompt/answer pairs, one conversation per micro-batch.

[truth]
family = "bad_data"
causes = ["empty_targets"]
step = 36
window = 0
phase = "loss"
samples = [46]
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

VOCAB, MAX_LEN, IGNORE = 64, 24, -100


class Conversations(Dataset):
    def __init__(self, n=160):
        g = torch.Generator().manual_seed(33)
        self.rows = []
        for i in range(n):
            prompt = int(torch.randint(4, 16, (1,), generator=g))
            answer = int(torch.randint(4, 12, (1,), generator=g))
            if i == 46:
                prompt = 40  # somebody pasted a whole e-mail
            ids = torch.randint(1, VOCAB, (prompt,), generator=g)
            reply = (ids[:1] + torch.arange(answer)) % VOCAB
            self.rows.append((ids, reply))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        prompt, reply = self.rows[i]
        ids = torch.cat([prompt, reply])[:MAX_LEN]
        labels = ids.clone()
        labels[: len(prompt)] = IGNORE
        return ids, labels


class Decoder(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.tok = nn.Embedding(VOCAB, d)
        self.pos = nn.Embedding(MAX_LEN, d)
        self.block = nn.TransformerEncoderLayer(d, 2, 64, dropout=0.0, batch_first=True)
        self.lm_head = nn.Linear(d, VOCAB)

    def forward(self, ids):
        n = ids.shape[1]
        mask = nn.Transformer.generate_square_subsequent_mask(n)
        x = self.tok(ids) + self.pos(torch.arange(n))
        return self.lm_head(self.block(x, src_mask=mask, is_causal=True))


torch.manual_seed(0)
model = Decoder()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
accum = 4
loader = DataLoader(Conversations(), batch_size=1, shuffle=True)
seen = 0
for epoch in range(2):
    for ids, labels in loader:
        logits = model(ids)
        pred, gold = logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
        loss = F.cross_entropy(pred, gold, ignore_index=IGNORE)  # <- culprit
        (loss / accum).backward()
        seen += 1
        if seen % accum == 0:
            optimizer.step()
            optimizer.zero_grad()
        if seen % 20 == 0:
            print(f"conversation {seen}: loss {loss.item():.3f}")
