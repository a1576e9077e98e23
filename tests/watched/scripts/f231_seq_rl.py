"""Unclipped importance weights of whole sequences of 32 tokens, 30 updates on the same samples.

[truth]
family = "exploding_gradients"
causes = ["policy_ratio_explosion", "unbounded_loss"]
step = 11
window = 9
"""
"""
Toy "RLHF": a small GRU policy writes 32 tokens, a hand-made reward model scores
them, and the policy is improved with several epochs per batch of samples.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

VOCAB, LENGTH = 16, 32


class Policy(nn.Module):
    def __init__(self, d=48):
        super().__init__()
        self.emb = nn.Embedding(VOCAB + 1, d)
        self.rnn = nn.GRU(d, d, batch_first=True)
        self.head = nn.Linear(d, VOCAB)

    def forward(self, tokens):
        bos = torch.full_like(tokens[:, :1], VOCAB)
        h, _ = self.rnn(self.emb(torch.cat([bos, tokens[:, :-1]], 1)))
        return F.log_softmax(self.head(h), -1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)

    @torch.no_grad()
    def generate(self, n):
        x, h, out = torch.full((n, 1), VOCAB), None, []
        for _ in range(LENGTH):
            o, h = self.rnn(self.emb(x), h)
            x = torch.multinomial(F.softmax(self.head(o[:, -1]), -1), 1)
            out.append(x)
        return torch.cat(out, 1)


def reward_model(tokens):
    """Likes ascending runs, dislikes repeated tokens."""
    up = ((tokens[:, 1:] - tokens[:, :-1]) == 1).float().sum(1)
    same = (tokens[:, 1:] == tokens[:, :-1]).float().sum(1)
    return up - 0.5 * same


def policy_loss(policy, tokens, old_logp, adv):
    logp = policy(tokens)
    # importance weight of the whole answer
    w = torch.exp(logp.sum(1) - old_logp.sum(1))
    return -(w * adv).mean()


def main():
    torch.manual_seed(5)
    torch.set_num_threads(1)
    policy = Policy()
    opt = torch.optim.Adam(policy.parameters(), lr=5e-3)
    for it in range(8):
        tokens = policy.generate(64)
        with torch.no_grad():
            old_logp = policy(tokens)
        r = reward_model(tokens)
        adv = (r - r.mean()) / (r.std() + 1e-6)
        for _ in range(30):
            loss = policy_loss(policy, tokens, old_logp, adv)
            opt.zero_grad()
            loss.backward()
            opt.step()
        print(f"[{it:02d}] reward {r.mean():.3f}  loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
