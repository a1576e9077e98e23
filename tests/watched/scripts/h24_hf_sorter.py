"""Fine-tunes a tiny randomly started BERT to find the larger half of a list.

[truth]
family = "healthy"
causes = []
"""
import tempfile

import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


class Lists(Dataset):
    def __init__(self, n=240):
        g = torch.Generator().manual_seed(24)
        self.ids = torch.randint(2, 30, (n, 8), generator=g)
        self.lengths = torch.randint(4, 9, (n,), generator=g)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        keep = torch.arange(8) < self.lengths[i]
        ids = torch.where(keep, self.ids[i], 0)
        label = int(ids.sum() > 16 * self.lengths[i])
        return {"input_ids": ids, "attention_mask": keep.long(), "labels": label}


def main():
    torch.manual_seed(24)
    config = BertConfig(
        vocab_size=30, hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=16, num_labels=2,
    )
    args = TrainingArguments(
        output_dir=tempfile.mkdtemp(), num_train_epochs=4, per_device_train_batch_size=8,
        gradient_accumulation_steps=2, learning_rate=3e-3, warmup_steps=6, logging_steps=10,
        save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, seed=24,
    )
    model = BertForSequenceClassification(config)
    trainer = Trainer(model=model, args=args, train_dataset=Lists(), eval_dataset=Lists(60))
    trainer.train()
    print(trainer.evaluate())


if __name__ == "__main__":
    main()
