"""Trains a tiny autoregressive policy to sort digits, with group-relative policy gradients (GRPO).

[truth]
family = "unstable_loss"
causes = ["division_by_zero"]
step = 119
window = 0
phase = "loss"
"""
import time
from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)


@dataclass
class Config:
    n_digits: int = 4
    vocab: int = 6
    hidden: int = 64
    prompts_per_step: int = 6
    group_size: int = 16
    clip: float = 0.2
    kl_coef: float = 0.01
    lr: float = 3e-3
    steps: int = 400
    seed: int = 4


class Policy(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.cfg = cfg
        self.emb = nn.Embedding(cfg.vocab + 1, cfg.hidden)
        self.enc = nn.GRU(cfg.hidden, cfg.hidden, batch_first=True)
        self.cell = nn.GRUCell(cfg.hidden, cfg.hidden)
        self.head = nn.Linear(2 * cfg.hidden, cfg.vocab)

    def encode(self, prompt):
        out, h = self.enc(self.emb(prompt))
        return out.mean(1), h[0]

    def logits_for(self, prompt, answer):
        ctx, h = self.encode(prompt)
        tok = torch.full((len(prompt),), self.cfg.vocab)
        outs = []
        for t in range(self.cfg.n_digits):
            h = self.cell(self.emb(tok), h)
            outs.append(self.head(torch.cat([h, ctx], -1)))
            tok = answer[:, t]
        return torch.stack(outs, 1)

    @torch.no_grad()
    def sample(self, prompt, greedy=False):
        ctx, h = self.encode(prompt)
        tok = torch.full((len(prompt),), self.cfg.vocab)
        res = []
        for _ in range(self.cfg.n_digits):
            h = self.cell(self.emb(tok), h)
            p = self.head(torch.cat([h, ctx], -1)).softmax(-1)
            tok = p.argmax(-1) if greedy else torch.multinomial(p, 1)[:, 0]
            res.append(tok)
        return torch.stack(res, 1)


def token_logp(policy, prompt, answer):
    return F.log_softmax(policy.logits_for(prompt, answer), -1).gather(-1, answer[..., None])[..., 0]


def reward(prompt, answer):
    gold = prompt.sort(1).values
    return (gold == answer).float().mean(1) + 0.5 * (gold == answer).all(1).float()


def group_advantage(r, group):
    r = r.view(-1, group)
    mean, std = r.mean(1, keepdim=True), r.std(1, keepdim=True)
    return ((r - mean) / std).view(-1)  # <- culprit


def main(cfg=Config()):
    torch.manual_seed(cfg.seed)
    policy, ref = Policy(cfg), Policy(cfg)
    ref.load_state_dict(policy.state_dict())
    opt = torch.optim.AdamW(policy.parameters(), lr=cfg.lr)
    t0 = time.time()
    for step in range(cfg.steps):
        prompt = torch.randint(0, cfg.vocab, (cfg.prompts_per_step, cfg.n_digits)).repeat_interleave(cfg.group_size, 0)
        answer = policy.sample(prompt)
        r = reward(prompt, answer)
        adv = group_advantage(r, cfg.group_size)
        logp = token_logp(policy, prompt, answer)
        old = logp.detach()
        with torch.no_grad():
            ref_logp = token_logp(ref, prompt, answer)
        ratio = (logp - old).exp()
        a = adv[:, None]
        pg = -torch.minimum(ratio * a, ratio.clamp(1 - cfg.clip, 1 + cfg.clip) * a).mean()
        kl = ((ref_logp - logp).exp() - (ref_logp - logp) - 1).mean()
        loss = pg + cfg.kl_coef * kl
        opt.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        opt.step()
        if step % 20 == 0:
            print(f"step {step:4d} | reward {r.mean():.3f} | solved {(r > 1.4).float().mean():.2f} | kl {kl:.4f} "
                  f"| {time.time() - t0:.1f}s")


if __name__ == "__main__":
    main()
