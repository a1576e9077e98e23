"""From step 60 episodes have 5 moves, so a column can be full; its masked logit gives p = 0
exactly and 0*log(0) = NaN in the entropy.

[truth]
family = "unstable_loss"
causes = ["log_of_zero", "undefined_operation", "overflow_or_log_of_zero"]
step = 60
phase = "forward"
"""
"""REINFORCE for a solo drop-game: 5 columns of height 4, a piece scores the value printed on its cell.
Full columns are illegal and masked out. Episodes get longer during training (3 to 10 moves)."""
import torch
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(0)
COLS, ROWS, B = 5, 4, 32
VALUE = torch.rand(COLS, ROWS, generator=torch.Generator().manual_seed(1)) ** 2

policy = nn.Sequential(nn.Linear(COLS * (ROWS + 1), 48), nn.Tanh(), nn.Linear(48, COLS))
opt = torch.optim.Adam(policy.parameters(), lr=4e-3)


def observe(height):
    return nn.functional.one_hot(height, ROWS + 1).float().flatten(1)


def rollout(moves):
    height = torch.zeros(B, COLS, dtype=torch.long)
    logps, rewards, entropies = [], [], []
    for _ in range(moves):
        logits = policy(observe(height)).masked_fill(height >= ROWS, float("-inf"))
        p = torch.softmax(logits, -1)
        a = torch.multinomial(p.detach(), 1).squeeze(1)
        logps.append(torch.log_softmax(logits, -1).gather(1, a[:, None]).squeeze(1))
        entropies.append(-(p * torch.log(p)).sum(-1))  # <- culprit
        rewards.append(VALUE[a, height.gather(1, a[:, None]).squeeze(1)])
        height = height.scatter_add(1, a[:, None], torch.ones(B, 1, dtype=torch.long))
    return torch.stack(logps), torch.stack(rewards), torch.stack(entropies)


baseline = 0.0
for update in range(300):
    moves = min(10, 3 + update // 30)
    logp, r, ent = rollout(moves)
    ret = r.flip(0).cumsum(0).flip(0)
    adv = ret - ret.mean(1, keepdim=True)
    loss = -(logp * adv).mean() - 0.01 * ent.mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    if update % 20 == 0:
        print(f"update {update:3d} moves {moves} return {r.sum(0).mean():.3f} loss {loss.item():.4f}")
