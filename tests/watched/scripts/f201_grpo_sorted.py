"""Group-relative, importance-weighted policy gradient for a GRU that learns to emit non-decreasing token strings.

[truth]
family = "exploding_gradients"
causes = ["policy_ratio_explosion"]
step = 28
window = 18
"""
import copy

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(19)
V, LEN, PROMPTS, GROUP = 12, 24, 4, 8


class TokenPolicy(nn.Module):
    def __init__(self, d=32):
        super().__init__()
        self.emb = nn.Embedding(V + 1, d)
        self.cell = nn.GRUCell(d, d)
        self.head = nn.Linear(d, V)

    def rollout(self, start, actions=None):
        h = torch.zeros(len(start), self.cell.hidden_size)
        tok, out, logps = start, [], []
        for t in range(LEN):
            h = self.cell(self.emb(tok), h)
            logp = F.log_softmax(self.head(h), -1)
            tok = torch.multinomial(logp.exp(), 1).squeeze(1) if actions is None else actions[:, t]
            out.append(tok)
            logps.append(logp.gather(1, tok[:, None]).squeeze(1))
        return torch.stack(out, 1), torch.stack(logps, 1)


def reward(seq):
    return (seq[:, 1:] >= seq[:, :-1]).float().mean(1) + seq.float().std(1) / V


class GRPO:
    def __init__(self, lr=8e-4, inner=2):
        self.policy = TokenPolicy()
        self.behaviour = copy.deepcopy(self.policy).requires_grad_(False)
        self.opt = torch.optim.AdamW(self.policy.parameters(), lr=lr, weight_decay=0.0)
        self.inner = inner

    def sync(self):
        self.behaviour.load_state_dict(self.policy.state_dict())

    def iteration(self):
        start = torch.randint(V, (PROMPTS,)).repeat_interleave(GROUP)
        with torch.no_grad():
            seq, _ = self.policy.rollout(start)
            _, old = self.behaviour.rollout(start, seq)
        r = reward(seq).view(PROMPTS, GROUP)
        adv = ((r - r.mean(1, keepdim=True)) / (r.std(1, keepdim=True) + 1e-4)).flatten()
        for _ in range(self.inner):
            _, new = self.policy.rollout(start, seq)
            ratio = torch.exp(new.sum(1) - old.sum(1))
            loss = -(ratio * adv).mean() + 0.01 * new.mean()
            self.opt.zero_grad()
            loss.backward()
            self.opt.step()
        return r.mean().item(), loss.item()


if __name__ == "__main__":
    algo = GRPO()
    for it in range(180):
        mean_r, loss = algo.iteration()
        if it % 10 == 0:
            print(f"iter {it:4d} | reward {mean_r:.3f} | loss {loss:.4g}")
