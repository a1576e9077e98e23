"""Trains an attention-pooled review classifier through the Hugging Face Trainer.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 234
window = 0
phase = "forward"
"""
import os
import tempfile
import warnings

os.environ["TOKENIZERS_PARALLELISM"] = "false"
warnings.filterwarnings("ignore")
import numpy as np
import torch
import torch.nn as nn
from torch.utils.data import Dataset
from transformers import Trainer, TrainingArguments, set_seed

PAD, UNK = 0, 1
VOCAB = 400


class Reviews(Dataset):
    """Synthetic reviews: every word has a polarity, label = sign of the summed polarity."""

    def __init__(self, n, seed):
        rng = np.random.RandomState(seed)
        polarity = np.random.RandomState(0).randn(VOCAB)
        self.items = []
        while len(self.items) < n:
            length = int(np.clip(rng.lognormal(2.3, 0.6), 4, 40))
            ids = rng.randint(2, VOCAB, size=length)
            s = polarity[ids].sum()
            if abs(s) > 0.5:
                self.items.append((ids, int(s > 0)))

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        ids, label = self.items[i]
        return {"input_ids": torch.as_tensor(ids), "labels": label}


class PadCollator:
    def __call__(self, features):
        L = max(len(f["input_ids"]) for f in features)
        ids = torch.full((len(features), L), PAD)
        for i, f in enumerate(features):
            ids[i, :len(f["input_ids"])] = f["input_ids"]
        mask = ids != PAD
        return {"input_ids": ids, "attention_mask": mask, "labels": torch.tensor([f["labels"] for f in features])}


class AttentionPool(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Parameter(torch.randn(heads, dim // heads) * 0.1)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)

    def forward(self, x, mask):
        B, T, D = x.shape
        k = self.key(x).view(B, T, self.heads, -1)
        v = self.value(x).view(B, T, self.heads, -1)
        scores = torch.einsum("bthd,hd->bht", k, self.query) / k.size(-1) ** 0.5
        scores = scores.masked_fill(~mask[:, None, :], float("-inf"))
        w = torch.softmax(scores, dim=-1)  # <- culprit
        return torch.einsum("bht,bthd->bhd", w, v).reshape(B, D)


class ReviewClassifier(nn.Module):
    """Words are hidden from the pooling with probability word_drop during training."""

    def __init__(self, dim=48, heads=4, word_drop=0.25):
        super().__init__()
        self.word_drop = word_drop
        self.emb = nn.Embedding(VOCAB, dim, padding_idx=PAD)
        self.ff = nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, dim), nn.GELU())
        self.pool = AttentionPool(dim, heads)
        self.cls = nn.Linear(dim, 2)

    def forward(self, input_ids, attention_mask, labels=None):
        x = self.emb(input_ids)
        x = x + self.ff(x)
        if self.training:
            attention_mask = attention_mask & (torch.rand(attention_mask.shape) >= self.word_drop)
        logits = self.cls(self.pool(x, attention_mask))
        loss = nn.functional.cross_entropy(logits, labels) if labels is not None else None
        return {"loss": loss, "logits": logits}


def compute_metrics(pred):
    return {"accuracy": float((pred.predictions.argmax(-1) == pred.label_ids).mean())}


def main():
    set_seed(17)
    args = TrainingArguments(
        output_dir=tempfile.mkdtemp(), per_device_train_batch_size=16, per_device_eval_batch_size=64, num_train_epochs=3,
        learning_rate=2e-3, warmup_steps=20, logging_steps=25, save_strategy="no", eval_strategy="epoch", report_to=[],
        use_cpu=True, disable_tqdm=True, remove_unused_columns=False, label_names=["labels"], seed=17,
        dataloader_pin_memory=False)
    trainer = Trainer(model=ReviewClassifier(), args=args, train_dataset=Reviews(1600, 1), eval_dataset=Reviews(300, 2),
                      data_collator=PadCollator(), compute_metrics=compute_metrics)
    trainer.train()
    print(trainer.evaluate())


if __name__ == "__main__":
    main()
