"""Matrix factorisation with a Bayesian personalised ranking loss on synthetic playlists.

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent"]
step = 0
window = 40
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from tqdm import trange

g = torch.Generator().manual_seed(5)
torch.manual_seed(5)

N_USERS, N_TRACKS, DIM = 600, 900, 24
user_taste = torch.randn(N_USERS, 6, generator=g)
track_style = torch.randn(N_TRACKS, 6, generator=g)
affinity = user_taste @ track_style.T
positives = affinity.topk(25, dim=1).indices          # 25 liked tracks per user


class MF(nn.Module):
    def __init__(self, n_users, n_items, dim):
        super().__init__()
        self.user = nn.Embedding(n_users, dim)
        self.item = nn.Embedding(n_items, dim)
        self.bias = nn.Embedding(n_items, 1)
        for e in (self.user, self.item):
            nn.init.normal_(e.weight, std=0.1)
        nn.init.zeros_(self.bias.weight)

    def forward(self, u, i):
        return (self.user(u) * self.item(i)).sum(-1) + self.bias(i).squeeze(-1)


def bpr_loss(pos_score, neg_score):
    return F.logsigmoid(pos_score - neg_score).mean()


@torch.no_grad()
def auc(model, n=4000):
    u = torch.randint(N_USERS, (n,), generator=g)
    p = positives[u, torch.randint(25, (n,), generator=g)]
    q = torch.randint(N_TRACKS, (n,), generator=g)
    return (model(u, p) > model(u, q)).float().mean().item()


model = MF(N_USERS, N_TRACKS, DIM)
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
history = []
bar = trange(240, disable=None)
for it in bar:
    users = torch.randint(N_USERS, (512,), generator=g)
    pos = positives[users, torch.randint(25, (512,), generator=g)]
    neg = torch.randint(N_TRACKS, (512,), generator=g)
    loss = bpr_loss(model(users, pos), model(users, neg))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.append(loss.item())
    if it % 50 == 0:
        bar.set_postfix(auc=auc(model))

print("final AUC", round(auc(model), 3))
