"""Transfer learning: a new head on a frozen backbone, ten flower classes.

[truth]
family = "stalled_training"
causes = ["nothing_learned"]
"""
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.backbone = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU(),
                                      nn.Flatten())
        self.head = nn.Linear(32 * 9, classes)

    def forward(self, x):
        return self.head(self.backbone(x))


def make_task(classes, seed):
    g = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, 3, 12, 12, generator=g)

    def draw(n):
        y = torch.randint(0, classes, (n,), generator=g)
        return centres[y] + 0.8 * torch.randn(n, 3, 12, 12, generator=g), y

    return draw


class Finetuner:
    def __init__(self, model, lr=0.02):
        self.model = model
        for p in model.backbone.parameters():
            p.requires_grad_(False)
        self.optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, model.parameters()), lr=lr, momentum=0.9)
        self.history = []

    def set_classes(self, n):
        self.model.head = nn.Linear(self.model.head.in_features, n)
        nn.init.normal_(self.model.head.weight, std=0.01)
        nn.init.zeros_(self.model.head.bias)

    def train(self, draw, steps, batch=24):
        for s in range(steps):
            x, y = draw(batch)
            logits = self.model(x)
            loss = F.cross_entropy(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.history.append(loss.item())
            if s % 30 == 29:
                acc = (logits.argmax(1) == y).float().mean().item()
                print(f"step {s + 1}: loss {sum(self.history[-30:]) / 30:.4f} acc {acc:.2f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    net = Net(4)
    tuner = Finetuner(net)
    tuner.set_classes(10)
    tuner.train(make_task(10, seed=2), steps=240)
