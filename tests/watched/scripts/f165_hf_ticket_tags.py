"""Trains a bag-of-embeddings tagger on synthetic support tickets with the Hugging Face Trainer.

[truth]
family = "unstable_loss"
causes = ["saturated_probabilities", "log_of_zero"]
step = 336
window = 0
phase = "loss"
"""
import tempfile
import os
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments, set_seed

set_seed(42)
torch.set_num_threads(1)

VOCAB, TAGS, MAX_LEN = 400, 8, 24


class TicketDataset(Dataset):
    def __init__(self, n, seed):
        rng = np.random.default_rng(seed)
        self.rows = []
        for _ in range(n):
            tags = rng.random(TAGS) < 0.3
            words = rng.integers(100, VOCAB, size=MAX_LEN)
            slots = rng.permutation(MAX_LEN)
            k = 0
            for t in np.flatnonzero(tags):
                for _ in range(2):
                    words[slots[k]] = t * 10 + rng.integers(0, 10)
                    k += 1
            self.rows.append({"input_ids": torch.from_numpy(words),
                              "labels": torch.from_numpy(tags.astype(np.float32))})

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        return self.rows[i]


class Tagger(nn.Module):
    def __init__(self, dim=64):
        super().__init__()
        self.emb = nn.Embedding(VOCAB, dim)
        self.ff = nn.Sequential(nn.Linear(dim, 128), nn.ReLU(), nn.Linear(128, TAGS))

    def forward(self, input_ids, labels=None):
        return {"logits": self.ff(self.emb(input_ids).sum(1))}


class TagTrainer(Trainer):
    """Up-weights rare positives, which the stock loss can't do."""

    def compute_loss(self, model, inputs, return_outputs=False, **kw):
        out = model(inputs["input_ids"])
        y = inputs["labels"]
        p = torch.sigmoid(out["logits"])
        pos = y * torch.log(p)
        neg = (1 - y) * torch.log(1 - p)  # <- culprit
        loss = -(2.0 * pos + neg).mean()
        return (loss, out) if return_outputs else loss


class Printer(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kw):
        if "loss" in logs:
            print(f"[{state.global_step}] loss={float(logs['loss']):.4f}")
        elif "eval_f1" in logs:
            print(f"[{state.global_step}] eval f1={logs['eval_f1']:.3f}")


def f1(pred):
    hit = (pred.predictions > 0)
    gold = pred.label_ids > 0.5
    tp = (hit & gold).sum()
    return {"f1": 2 * tp / max(1, hit.sum() + gold.sum())}


args = TrainingArguments(
    output_dir=tempfile.mkdtemp(), use_cpu=True, num_train_epochs=12, per_device_train_batch_size=32,
    per_device_eval_batch_size=256, learning_rate=3e-3, warmup_steps=20, lr_scheduler_type="constant_with_warmup",
    weight_decay=0.0, logging_steps=25, eval_strategy="epoch", save_strategy="no", report_to=[],
    disable_tqdm=True, remove_unused_columns=False, label_names=["labels"], seed=42)

trainer = TagTrainer(model=Tagger(), args=args, train_dataset=TicketDataset(1600, 1),
                     eval_dataset=TicketDataset(400, 2), compute_metrics=f1, callbacks=[Printer()])
trainer.remove_callback(PrinterCallback)
trainer.train()
