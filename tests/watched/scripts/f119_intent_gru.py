"""GRU intent classifier with a step decay of the learning rate.

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
"""
import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset

CONFIG = dict(intents=12, vocab=200, length=10, hidden=48, lr=2e-3, decay=0.7, epochs=5, batch=32)


def make_data(n, cfg, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(cfg["intents"], (n,), generator=g)
    x = torch.randint(cfg["vocab"], (n, cfg["length"]), generator=g)
    keyword = torch.rand(n, cfg["length"], generator=g) < 0.4
    own = y.unsqueeze(1) * 16 + torch.randint(16, (n, cfg["length"]), generator=g)
    return TensorDataset(torch.where(keyword, own, x), y)


class IntentClassifier(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.embedding = nn.Embedding(cfg["vocab"], 32)
        self.gru = nn.GRU(32, cfg["hidden"], batch_first=True)
        self.classifier = nn.Linear(cfg["hidden"], cfg["intents"])

    def forward(self, x):
        out, _ = self.gru(self.embedding(x))
        return self.classifier(out.mean(1))


def train_epoch(model, loader, opt, sched, criterion):
    total = 0.0
    for x, y in loader:
        opt.zero_grad()
        loss = criterion(model(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        opt.step()
        sched.step()
        total += loss.item()
    return total / len(loader)


def main(cfg=CONFIG):
    torch.manual_seed(0)
    train = DataLoader(make_data(1920, cfg, 1), batch_size=cfg["batch"], shuffle=True)
    test_x, test_y = make_data(500, cfg, 2).tensors
    model = IntentClassifier(cfg)
    opt = torch.optim.Adam(model.parameters(), lr=cfg["lr"])
    sched = torch.optim.lr_scheduler.ExponentialLR(opt, gamma=cfg["decay"])
    criterion = nn.CrossEntropyLoss()
    for epoch in range(cfg["epochs"]):
        loss = train_epoch(model, train, opt, sched, criterion)
        with torch.no_grad():
            acc = (model(test_x).argmax(1) == test_y).float().mean()
        print(f"epoch={epoch} loss={loss:.3f} test_acc={acc:.3f}")


if __name__ == "__main__":
    main()
