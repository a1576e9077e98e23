"""Trains a small decoder-only transformer on synthetic command-line text.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_too_high"]
step = 1
window = 3
"""
import math
from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.nn import functional as F


@dataclass
class GPTConfig:
    vocab_size: int = 64
    block_size: int = 32
    n_layer: int = 3
    n_head: int = 4
    n_embd: int = 64
    dropout: float = 0.0


@dataclass
class TrainConfig:
    max_iters: int = 120
    batch_size: int = 24
    learning_rate: float = 3e-1
    weight_decay: float = 0.01
    betas: tuple = (0.9, 0.95)
    eval_interval: int = 30
    seed: int = 1337


class CausalSelfAttention(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.c_attn = nn.Linear(cfg.n_embd, 3 * cfg.n_embd)
        self.c_proj = nn.Linear(cfg.n_embd, cfg.n_embd)
        self.n_head = cfg.n_head

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.c_attn(x).split(C, dim=2)
        q, k, v = [t.view(B, T, self.n_head, C // self.n_head).transpose(1, 2) for t in (q, k, v)]
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.c_proj(y.transpose(1, 2).contiguous().view(B, T, C))


class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.ln_1 = nn.LayerNorm(cfg.n_embd)
        self.attn = CausalSelfAttention(cfg)
        self.ln_2 = nn.LayerNorm(cfg.n_embd)
        self.mlp = nn.Sequential(nn.Linear(cfg.n_embd, 4 * cfg.n_embd), nn.GELU(), nn.Linear(4 * cfg.n_embd, cfg.n_embd))

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.wte = nn.Embedding(cfg.vocab_size, cfg.n_embd)
        self.wpe = nn.Embedding(cfg.block_size, cfg.n_embd)
        self.blocks = nn.ModuleList(Block(cfg) for _ in range(cfg.n_layer))
        self.lm_head = nn.Linear(cfg.n_embd, cfg.vocab_size, bias=False)
        self.apply(self._init_weights)
        for n, p in self.named_parameters():
            if n.endswith("c_proj.weight"):
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * cfg.n_layer))

    @staticmethod
    def _init_weights(m):
        if isinstance(m, (nn.Linear, nn.Embedding)):
            nn.init.normal_(m.weight, std=0.02)
        if isinstance(m, nn.Linear) and m.bias is not None:
            nn.init.zeros_(m.bias)

    def forward(self, idx, targets=None):
        pos = torch.arange(idx.size(1))
        x = self.wte(idx) + self.wpe(pos)
        for b in self.blocks:
            x = b(x)
        logits = self.lm_head(x)
        loss = None
        if targets is not None:
            loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.view(-1))
        return logits, loss


def build_corpus(n_lines=4000):
    words = ["git", "commit", "push", "ls", "-la", "cd", "..", "make", "test", "grep", "-rn", "python", "run.py", "cat", "log.txt"]
    g = torch.Generator().manual_seed(0)
    lines = []
    for _ in range(n_lines):
        k = int(torch.randint(2, 6, (1,), generator=g))
        start = int(torch.randint(0, len(words), (1,), generator=g))
        lines.append(" ".join(words[(start + 2 * j) % len(words)] for j in range(k)))
    text = "\n".join(lines)
    stoi = {c: i for i, c in enumerate(sorted(set(text)))}
    return torch.tensor([stoi[c] for c in text]), len(stoi)


def get_batch(data, cfg, tcfg):
    ix = torch.randint(len(data) - cfg.block_size - 1, (tcfg.batch_size,))
    x = torch.stack([data[i:i + cfg.block_size] for i in ix])
    y = torch.stack([data[i + 1:i + 1 + cfg.block_size] for i in ix])
    return x, y


@torch.no_grad()
def estimate_loss(model, data, cfg, tcfg, iters=5):
    model.eval()
    out = sum(model(*get_batch(data, cfg, tcfg))[1].item() for _ in range(iters)) / iters
    model.train()
    return out


if __name__ == "__main__":
    tcfg = TrainConfig()
    torch.manual_seed(tcfg.seed)
    data, vocab = build_corpus()
    cfg = GPTConfig(vocab_size=vocab)
    n = int(0.9 * len(data))
    train_data, val_data = data[:n], data[n:]
    model = GPT(cfg)
    print(f"number of parameters: {sum(p.numel() for p in model.parameters()) / 1e3:.1f}K")
    optimizer = torch.optim.AdamW(model.parameters(), lr=tcfg.learning_rate, betas=tcfg.betas, weight_decay=tcfg.weight_decay)
    for it in range(tcfg.max_iters):
        if it % tcfg.eval_interval == 0:
            print(f"step {it}: val loss {estimate_loss(model, val_data, cfg, tcfg):.4f}")
        xb, yb = get_batch(train_data, cfg, tcfg)
        _, loss = model(xb, yb)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        if it % 20 == 0:
            print(f"iter {it}: loss {loss.item():.4f}")
    print("final val loss", estimate_loss(model, val_data, cfg, tcfg))
