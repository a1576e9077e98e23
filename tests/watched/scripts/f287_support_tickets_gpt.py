"""Unknown word gets id len(vocab), one past the embedding table; IndexError.

[truth]
family = "bad_data"
causes = ["index_out_of_range"]
step = 53
among = [2057, 2211, 2342]
"""
import os
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("WANDB_DISABLED", "true")
import random
import tempfile
import torch
from torch.utils.data import Dataset
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

torch.set_num_threads(1)
set_seed(21)

SUBJECTS = "invoice login password order parcel refund account printer router laptop screen payment".split()
VERBS = "is was seems looks became".split()
STATES = "broken late missing locked slow wrong empty blocked cancelled frozen".split()
TAILS = ["please help", "since monday", "again today", "what now", "thank you"]
SPECIAL = ["<pad>", "<bos>", "<eos>"]


def make_ticket(rng):
    s = f"my {rng.choice(SUBJECTS)} {rng.choice(VERBS)} {rng.choice(STATES)} {rng.choice(TAILS)}"
    return s.split()


class Vocab:
    def __init__(self, texts):
        self.itos = SPECIAL + sorted({w for t in texts for w in t})
        self.stoi = {w: i for i, w in enumerate(self.itos)}
        self.unk = len(self.itos)

    def __len__(self):
        return len(self.itos)

    def encode(self, words, length=12):
        ids = [1] + [self.stoi.get(w, self.unk) for w in words] + [2]
        ids = ids[:length]
        return ids + [0] * (length - len(ids))


class Tickets(Dataset):
    def __init__(self, texts, vocab):
        self.rows = [vocab.encode(t) for t in texts]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        ids = torch.tensor(self.rows[i])
        return {"input_ids": ids, "labels": ids.clone().masked_fill(ids == 0, -100), "attention_mask": (ids != 0).long()}


rng = random.Random(4)
base = [make_ticket(rng) for _ in range(2000)]
recent = [make_ticket(rng) for _ in range(400)]
for k in (57, 211, 342):
    recent[k][1] = "smartwatch"
vocab = Vocab(base)
train = Tickets(base + recent, vocab)

config = GPT2Config(vocab_size=len(vocab), n_positions=16, n_embd=48, n_layer=2, n_head=4, bos_token_id=1, eos_token_id=2)
model = GPT2LMHeadModel(config)

args = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    per_device_train_batch_size=16,
    num_train_epochs=2,
    learning_rate=1e-3,
    warmup_steps=20,
    logging_steps=20,
    save_strategy="no",
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
    dataloader_num_workers=0,
)
Trainer(model=model, args=args, train_dataset=train).train()
print("done")
