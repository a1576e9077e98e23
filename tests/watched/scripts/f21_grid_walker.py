"""Learns to walk a small grid with REINFORCE and an entropy bonus.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "undefined_operation"]
step = 3
window = 0
phase = "loss"
"""
import torch
import torch.nn as nn

SIZE = 9
MOVES = torch.tensor([[0, 1], [0, -1], [1, 0], [-1, 0]])


def legal(pos):
    nxt = pos + MOVES
    return ((nxt >= 0) & (nxt < SIZE)).all(1)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 4))

    def forward(self, pos):
        logits = self.net(pos.float() / SIZE - 0.5)
        return torch.softmax(logits.masked_fill(~legal(pos), float("-inf")), dim=-1)


def episode(policy, length=5):
    pos = torch.tensor([3, 3]) + torch.randint(0, 2, (2,))
    logps, entropies, rewards = [], [], []
    for _ in range(length):
        probs = policy(pos)
        action = torch.multinomial(probs, 1).item()
        logps.append(torch.log(probs[action]))
        entropies.append(-(probs * torch.log(probs)).sum())  # <- culprit
        pos = pos + MOVES[action]
        rewards.append(float(pos.sum()) / (2 * SIZE))
    return torch.stack(logps), torch.stack(entropies), torch.tensor(rewards)


def train(updates=80, beta=0.01):
    torch.manual_seed(26)
    policy = Policy()
    opt = torch.optim.Adam(policy.parameters(), lr=5e-3)
    baseline = 0.0
    for update in range(updates):
        loss, total = 0.0, 0.0
        for _ in range(4):
            logp, ent, rew = episode(policy)
            ret = rew.flip(0).cumsum(0).flip(0)
            loss = loss - (logp * (ret - baseline)).sum() - beta * ent.sum()
            total += ret[0].item()
        baseline = 0.9 * baseline + 0.1 * total / 4
        opt.zero_grad()
        loss.backward()
        opt.step()
        if update % 10 == 0:
            print("update", update, "return", round(total / 4, 3))


train()
