"""zero_grad is named but never called (no parentheses), so gradients add up from step 1: gnorm
rises about linearly (0.2, 1.2 at 15, 2.7 at 30, 4.5 at 60), the loss oscillates with growing
amplitude (clearly wrong from about 70-90), then runs away and is NaN at step 149.

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
step = 75
window = 74
"""
# Routing of support tickets to queues.
#
# Internal training entry point, v0.4.  Tokens are hashed words, see `HashedTickets`.
from __future__ import annotations

import dataclasses
import logging
import random
import sys

import torch
import torch.nn as nn
from torch.utils.data import DataLoader, Dataset

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s: %(message)s")
log = logging.getLogger("router")


@dataclasses.dataclass
class RouterConfig:
    vocab_size: int = 1500
    n_queues: int = 12
    embed_dim: int = 32
    hidden: int = 64
    batch_size: int = 50
    learning_rate: float = 1.0
    epochs: int = 6
    n_tickets: int = 3000
    seed: int = 11


class HashedTickets(Dataset):
    """Every queue has its own favourite words; the rest is noise."""

    def __init__(self, cfg: RouterConfig):
        rnd = random.Random(cfg.seed)
        topics = [[rnd.randrange(cfg.vocab_size) for _ in range(40)] for _ in range(cfg.n_queues)]
        self.rows = []
        for _ in range(cfg.n_tickets):
            q = rnd.randrange(cfg.n_queues)
            n = rnd.randint(5, 30)
            words = [rnd.choice(topics[q]) if rnd.random() < 0.4 else rnd.randrange(cfg.vocab_size) for _ in range(n)]
            self.rows.append((words, q))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


def collate(rows):
    flat, offsets = [], []
    for words, _ in rows:
        offsets.append(len(flat))
        flat += words
    return torch.tensor(flat), torch.tensor(offsets), torch.tensor([q for _, q in rows])


class RouterNet(nn.Module):
    def __init__(self, cfg: RouterConfig):
        super().__init__()
        self.bag = nn.EmbeddingBag(cfg.vocab_size, cfg.embed_dim, mode="mean")
        self.net = nn.Sequential(nn.Linear(cfg.embed_dim, cfg.hidden), nn.ReLU(), nn.Linear(cfg.hidden, cfg.n_queues))

    def forward(self, tokens, offsets):
        return self.net(self.bag(tokens, offsets))


class Trainer:
    def __init__(self, cfg: RouterConfig):
        self.cfg = cfg
        torch.manual_seed(cfg.seed)
        self.model = RouterNet(cfg)
        self.loader = DataLoader(HashedTickets(cfg), cfg.batch_size, shuffle=True, collate_fn=collate)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=cfg.learning_rate)
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
        self.global_step = 0

    def train_step(self, batch):
        tokens, offsets, queue = batch
        self.optimizer.zero_grad
        logits = self.model(tokens, offsets)
        loss = self.criterion(logits, queue)
        loss.backward()
        self.optimizer.step()
        self.global_step += 1
        return loss.detach(), (logits.argmax(-1) == queue).float().mean()

    def fit(self):
        for epoch in range(self.cfg.epochs):
            self.model.train()
            for batch in self.loader:
                loss, acc = self.train_step(batch)
                if self.global_step % 20 == 0:
                    log.info("step=%d loss=%.4f acc=%.3f", self.global_step, loss, acc)
            log.info("epoch %d finished", epoch)


if __name__ == "__main__":
    torch.set_num_threads(1)
    Trainer(RouterConfig()).fit()
