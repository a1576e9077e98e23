"""Trains a small price model on house offers with the Hugging Face Trainer.

[truth]
family = "bad_data"
causes = ["outlier_batch"]
step = 71
samples = [777]
"""
import os
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed


class Offers(Dataset):
    def __init__(self, n=2400):
        g = torch.Generator().manual_seed(77)
        self.feats = torch.randn(n, 8, generator=g)
        w = torch.randn(8, generator=g) * 0.4
        self.price = 3.0 + self.feats @ w + 0.3 * self.feats[:, 0] * self.feats[:, 1]
        self.price[777] *= 4000

    def __len__(self):
        return len(self.feats)

    def __getitem__(self, i):
        return {"feats": self.feats[i], "labels": self.price[i]}


class PriceModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.Linear(32, 32), nn.GELU(), nn.Linear(32, 1))

    def forward(self, feats, labels=None):
        pred = self.net(feats).squeeze(-1)
        loss = nn.functional.mse_loss(pred, labels) if labels is not None else None
        return {"loss": loss, "logits": pred}


def main():
    set_seed(77)
    model = PriceModel()
    opt = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    with tempfile.TemporaryDirectory() as out:
        args = TrainingArguments(
            output_dir=out, per_device_train_batch_size=16, num_train_epochs=1, logging_steps=25,
            save_strategy="no", report_to=[], use_cpu=True, lr_scheduler_type="constant",
            max_grad_norm=0.0, disable_tqdm=True, seed=77)
        Trainer(model=model, args=args, train_dataset=Offers(), optimizers=(opt, None)).train()


if __name__ == "__main__":
    main()
