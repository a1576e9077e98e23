"""HF Trainer fine-tuning with tiny lr and partly frozen model: flat loss.

[truth]
family = "healthy"
causes = []
"""
import os
os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tempfile
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments, set_seed

torch.set_num_threads(1)


class Reviews(Dataset):
    def __init__(self, n, seed, shift=0):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(0, 3, (n,), generator=g)
        base = torch.randint(30, 120, (n, 24), generator=g)
        cue = 3 + shift + self.y[:, None] * 8 + torch.randint(0, 8, (n, 24), generator=g)
        self.x = torch.where(torch.rand(n, 24, generator=g) < 0.2, cue, base)
        self.x[:, 0] = 1
        flip = torch.rand(n, generator=g) < 0.04
        self.y = torch.where(flip, torch.randint(0, 3, (n,), generator=g), self.y)

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return {"input_ids": self.x[i], "labels": self.y[i]}


def warm_start(model, data):
    opt = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for ep in range(8):
        for b in torch.randperm(len(data)).split(32):
            loss = model(input_ids=data.x[b], labels=data.y[b]).loss
            opt.zero_grad()
            loss.backward()
            opt.step()
        print("pretrain", ep, round(loss.item(), 4))


def metrics(p):
    return {"acc": float((p.predictions.argmax(-1) == p.label_ids).mean())}


if __name__ == "__main__":
    set_seed(3)
    cfg = BertConfig(vocab_size=128, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
                     max_position_embeddings=32, num_labels=3)
    model = BertForSequenceClassification(cfg)
    warm_start(model, Reviews(1500, 1))
    for p in model.bert.embeddings.parameters():
        p.requires_grad = False
    for p in model.bert.encoder.layer[0].parameters():
        p.requires_grad = False
    args = TrainingArguments(output_dir=tempfile.mkdtemp(), per_device_train_batch_size=16, gradient_accumulation_steps=2,
                             num_train_epochs=6, learning_rate=1e-5, warmup_steps=10, weight_decay=0.01, logging_steps=10,
                             eval_strategy="epoch", save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True, seed=3)
    tr = Trainer(model=model, args=args, train_dataset=Reviews(800, 2), eval_dataset=Reviews(400, 5), compute_metrics=metrics)
    tr.train()
    print(tr.evaluate())
