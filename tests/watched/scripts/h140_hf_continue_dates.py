"""HF Trainer continues a model pre-trained to near zero loss.

[truth]
family = "healthy"
causes = []
"""
"""Continue training of a date-normalisation tagger that already fits its task; adds 5 % of new examples."""
import os
os.environ["WANDB_DISABLED"] = "true"
import tempfile
import torch
from torch.utils.data import Dataset
from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments, set_seed

torch.set_num_threads(1)
VOCAB, LEN = 30, 10


class Tags(Dataset):
    def __init__(self, n, seed, extra=0.0):
        g = torch.Generator().manual_seed(seed)
        self.ids = torch.randint(1, VOCAB - 4, (n, LEN), generator=g)
        new = torch.rand(n, generator=g) < extra
        self.ids[new, 0] = VOCAB - 1
        self.labels = self.ids % 4

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, i):
        return {"input_ids": self.ids[i], "labels": self.labels[i]}


def metrics(p):
    return {"acc": float((p.predictions.argmax(-1) == p.label_ids).mean())}


def arguments(epochs, lr, out):
    return TrainingArguments(output_dir=out, per_device_train_batch_size=32, num_train_epochs=epochs, learning_rate=lr, logging_steps=25,
                             save_strategy="no", eval_strategy="epoch", report_to=[], use_cpu=True, disable_tqdm=True)


def build():
    return BertForTokenClassification(BertConfig(vocab_size=VOCAB, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
                                                 max_position_embeddings=16, num_labels=4, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0))


if __name__ == "__main__":
    set_seed(15)
    base = build()
    opt = torch.optim.Adam(base.parameters(), lr=5e-3)
    data = Tags(1024, 1)
    for _ in range(4):
        for i in torch.randperm(len(data)).split(32):
            loss = base(input_ids=data.ids[i], labels=data.labels[i]).loss
            opt.zero_grad(); loss.backward(); opt.step()
    out = tempfile.mkdtemp()
    torch.save(base.state_dict(), os.path.join(out, "tagger.pt"))
    print("pretrained loss", loss.item())
    model = build()
    model.load_state_dict(torch.load(os.path.join(out, "tagger.pt")))
    Trainer(model=model, args=arguments(4, 5e-4, out), train_dataset=Tags(1024, 2, extra=0.05), eval_dataset=Tags(256, 3), compute_metrics=metrics).train()
