"""Elman network that must report the first symbol of a long sequence.

[truth]
family = "stalled_training"
causes = ["vanishing_gradients"]
"""
import torch
from torch import nn

torch.manual_seed(31)


class ElmanCell(nn.Module):
    def __init__(self, n_in, n_hidden):
        super().__init__()
        self.w_in = nn.Parameter(torch.randn(n_in, n_hidden) * 0.3)
        self.w_rec = nn.Parameter(torch.randn(n_hidden, n_hidden) * 0.5 / n_hidden ** 0.5)
        self.b = nn.Parameter(torch.zeros(n_hidden))

    def forward(self, x, h):
        return torch.tanh(x @ self.w_in + h @ self.w_rec + self.b)


class FirstSymbol(nn.Module):
    def __init__(self, symbols=6, hidden=32):
        super().__init__()
        self.symbols, self.hidden = symbols, hidden
        self.cell = ElmanCell(symbols, hidden)
        self.readout = nn.Linear(hidden, symbols)

    def forward(self, ids):
        h = torch.zeros(ids.size(0), self.hidden)
        onehot = nn.functional.one_hot(ids, self.symbols).float()
        for t in range(ids.size(1)):
            h = self.cell(onehot[:, t], h)
        return self.readout(h)


LENGTH = 50
model = FirstSymbol()
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
loss_fn = nn.CrossEntropyLoss()
correct = seen = 0

for update in range(1, 251):
    ids = torch.randint(0, 6, (64, LENGTH))
    target = ids[:, 0]
    scores = model(ids)
    loss = loss_fn(scores, target)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    correct += (scores.argmax(1) == target).sum().item()
    seen += len(target)
    if update % 50 == 0:
        print(f"update {update}: loss {loss.item():.3f}, accuracy {correct / seen:.3f}")
        correct = seen = 0
