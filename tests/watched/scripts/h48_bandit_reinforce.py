"""REINFORCE on a contextual bandit with heavy-tailed, very noisy rewards.

[truth]
family = "healthy"
causes = []
"""
import torch
import torch.nn as nn
from torch.distributions import Categorical, StudentT


class Casino:
    """16 contexts, 6 arms; the best arm depends on the context."""

    def __init__(self, seed=0):
        g = torch.Generator().manual_seed(seed)
        self.mean = torch.randn(16, 6, generator=g) * 2.0
        self.noise = StudentT(3.0, 0.0, 4.0)

    def contexts(self, n):
        return torch.randint(0, 16, (n,))

    def pull(self, c, a):
        return self.mean[c, a] + self.noise.sample(c.shape)

    def value(self, policy):
        with torch.no_grad():
            p = policy(torch.arange(16)).softmax(-1)
        return (p * self.mean).sum(1).mean().item()


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(16, 32)
        self.out = nn.Sequential(nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 6))

    def forward(self, c):
        return self.out(self.emb(c))


def main(updates=900, batch=48, entropy_cost=0.02):
    torch.manual_seed(6)
    env, policy = Casino(), Policy()
    opt = torch.optim.RMSprop(policy.parameters(), lr=2e-3)
    baseline = 0.0
    print(f"uniform {env.mean.mean():.3f}  best {env.mean.max(1).values.mean():.3f}")
    for u in range(updates):
        c = env.contexts(batch)
        dist = Categorical(logits=policy(c))
        a = dist.sample()
        r = env.pull(c, a)
        adv = r - baseline
        baseline = 0.95 * baseline + 0.05 * r.mean().item()
        loss = -(adv * dist.log_prob(a)).mean() - entropy_cost * dist.entropy().mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
        if u % 75 == 0 or u == updates - 1:
            print(f"update {u:4d} loss {loss.item():+8.3f} reward {r.mean().item():+7.3f} "
                  f"entropy {dist.entropy().mean().item():.3f} true value {env.value(policy):+.3f}")


if __name__ == "__main__":
    main()
