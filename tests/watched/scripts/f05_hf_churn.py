"""Trains a churn classifier on customer records with the Hugging Face Trainer.

[truth]
family = "bad_data"
causes = ["nonfinite_input"]
step = 4
window = 0
phase = "input"
samples = [61]
"""
import tempfile

import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments


class Customers(Dataset):
    def __init__(self, n=320):
        g = torch.Generator().manual_seed(21)
        self.months = torch.randint(0, 48, (n,), generator=g).float()
        self.spend = 500 * torch.rand(n, generator=g) * (self.months > 0)
        self.calls = torch.randint(0, 6, (n,), generator=g).float()
        self.months = self.months.clamp(min=1)
        # a customer who signed up today
        self.months[61] = 0.0
        self.spend[61] = 20.0
        self.churned = (self.calls + torch.randn(n, generator=g) > 3).long()

    def __len__(self):
        return len(self.churned)

    def __getitem__(self, i):
        per_month = self.spend[i] / self.months[i] / 100
        feats = torch.stack([self.months[i] / 48, per_month, self.calls[i] / 5])
        return {"features": feats, "labels": self.churned[i]}


class ChurnNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(3)
        self.net = nn.Sequential(nn.Linear(3, 24), nn.Tanh(), nn.Linear(24, 2))
        self.loss_fn = nn.CrossEntropyLoss()

    def forward(self, features, labels=None):
        x = self.norm(features)  # <- culprit
        logits = self.net(x)
        loss = self.loss_fn(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


args = TrainingArguments(
    output_dir=tempfile.mkdtemp(), num_train_epochs=3, per_device_train_batch_size=16,
    learning_rate=5e-3, logging_steps=10, save_strategy="no", report_to=[], use_cpu=True,
    disable_tqdm=True, seed=13,
)
torch.manual_seed(0)
trainer = Trainer(model=ChurnNet(), args=args, train_dataset=Customers())
result = trainer.train()
print("training loss", result.training_loss)
