"""Hugging Face Trainer on a two-layer GPT-2 that learns repeating patterns, cosine schedule with hard restarts.

[truth]
family = "healthy"
causes = []
"""
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments


class Patterns(Dataset):
    """A random motif of three tokens, repeated; the padding has label -100."""

    def __init__(self, n=2560, length=16, vocab=32):
        g = torch.Generator().manual_seed(10)
        motif = torch.randint(2, 10, (n, 3), generator=g)
        motif[:, 1:] += torch.tensor([8, 16])
        self.ids = motif.repeat(1, 6)[:, :length]
        self.mask = torch.ones_like(self.ids)
        cut = torch.randint(9, length + 1, (n,), generator=g)
        pad = torch.arange(length) >= cut.unsqueeze(1)
        self.ids[pad] = 0
        self.mask[pad] = 0
        self.labels = self.ids.masked_fill(pad, -100)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "attention_mask": self.mask[i], "labels": self.labels[i]}


if __name__ == "__main__":
    torch.manual_seed(10)
    config = GPT2Config(vocab_size=32, n_positions=16, n_embd=32, n_layer=2, n_head=2, bos_token_id=1, eos_token_id=1)
    model = GPT2LMHeadModel(config)
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=8,
        gradient_accumulation_steps=2,
        max_steps=150,
        learning_rate=5e-3,
        warmup_steps=10,
        lr_scheduler_type="cosine_with_restarts",
        lr_scheduler_kwargs={"num_cycles": 3},
        logging_steps=15,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        disable_tqdm=True,
        seed=10,
    )
    Trainer(model=model, args=arguments, train_dataset=Patterns()).train()
