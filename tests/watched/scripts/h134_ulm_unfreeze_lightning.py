"""Lightning progressive unfreezing with early stopping, pre-training phase with own optimizer.

[truth]
family = "healthy"
causes = []
"""
import logging
import warnings
import lightning as L
import torch
import torch.nn as nn
import torch.nn.functional as F
from lightning.pytorch.callbacks import BaseFinetuning, EarlyStopping
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
torch.set_num_threads(1)


def language(n, seed, rule):
    g = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 40, (n, 12), generator=g)
    y = ((x < 20).sum(1) > 6).long() if rule == "source" else ((x[:, ::2] < 20).sum(1) > (x[:, 1::2] < 20).sum(1)).long()
    return TensorDataset(x, y)


def backbone():
    return nn.ModuleDict({
        "emb": nn.Embedding(40, 24),
        "low": nn.Sequential(nn.Flatten(), nn.Linear(12 * 24, 64), nn.ReLU()),
        "mid": nn.Sequential(nn.Linear(64, 64), nn.ReLU()),
    })


def encode(b, x):
    return b["mid"](b["low"](b["emb"](x)))


class Gradual(BaseFinetuning):
    plan = {3: "mid", 5: "low", 7: "emb"}

    def freeze_before_training(self, module):
        self.freeze(module.body)

    def finetune_function(self, module, epoch, optimizer):
        if epoch in self.plan:
            self.unfreeze_and_add_param_group(module.body[self.plan[epoch]], optimizer, lr=4e-3)
            print("unfreeze", self.plan[epoch])


class Tuner(L.LightningModule):
    def __init__(self, body):
        super().__init__()
        self.body, self.head = body, nn.Linear(64, 2)
        self.hist = []

    def training_step(self, batch, _):
        loss = F.cross_entropy(self.head(encode(self.body, batch[0])), batch[1])
        self.hist.append(loss.item())
        return loss

    def validation_step(self, batch, _):
        out = self.head(encode(self.body, batch[0]))
        self.log("val_loss", F.cross_entropy(out, batch[1]))
        self.log("val_acc", (out.argmax(1) == batch[1]).float().mean())

    def on_validation_epoch_end(self):
        if self.hist:
            m = self.trainer.callback_metrics
            print(f"epoch {self.current_epoch} train {sum(self.hist) / len(self.hist):.3f} val {m['val_loss']:.3f} acc {m['val_acc']:.3f}")
            self.hist = []

    def configure_optimizers(self):
        return torch.optim.Adam(filter(lambda p: p.requires_grad, self.parameters()), lr=1e-2)


if __name__ == "__main__":
    L.seed_everything(4, verbose=False)
    body, tmp = backbone(), nn.Linear(64, 2)
    pre = torch.optim.Adam([*body.parameters(), *tmp.parameters()], lr=2e-3)
    for x, y in DataLoader(language(2400, 1, "source"), batch_size=50, shuffle=True):
        loss = F.cross_entropy(tmp(encode(body, x)), y)
        pre.zero_grad()
        loss.backward()
        pre.step()
    print("source loss", round(loss.item(), 3))
    tr = DataLoader(language(2400, 2, "target"), batch_size=50, shuffle=True)
    va = DataLoader(language(800, 3, "target"), batch_size=400)
    L.Trainer(max_epochs=13, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
              enable_model_summary=False, num_sanity_val_steps=0,
              callbacks=[Gradual(), EarlyStopping("val_loss", patience=5)]).fit(Tuner(body), tr, va)
