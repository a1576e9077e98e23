"""Healthy decrease to 0.30, NaN at step 58.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax", "undefined_operation"]
step = 58
phase = "forward"
"""
"""Dense GAT for node classification with random node mini-batches (sub-graphs).

Synthetic citation graph: stochastic block model, bag-of-words features.
"""
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class GATLayer(nn.Module):
    def __init__(self, n_in, n_out, heads, concat=True):
        super().__init__()
        self.h, self.d, self.concat = heads, n_out, concat
        self.W = nn.Parameter(torch.empty(n_in, heads * n_out))
        self.a_src = nn.Parameter(torch.empty(heads, n_out))
        self.a_dst = nn.Parameter(torch.empty(heads, n_out))
        for p in (self.W, self.a_src, self.a_dst):
            nn.init.xavier_uniform_(p)

    def forward(self, x, adj):
        z = (x @ self.W).view(len(x), self.h, self.d)
        e = (z * self.a_src).sum(-1)[:, None] + (z * self.a_dst).sum(-1)[None]      # i, j, head
        e = F.leaky_relu(e, 0.2)
        e = e.masked_fill(adj[..., None] == 0, float("-inf"))
        alpha = torch.softmax(e, dim=1)  # <- culprit
        out = torch.einsum("ijh,jhd->ihd", alpha, z)
        return out.flatten(1) if self.concat else out.mean(1)


class GAT(nn.Module):
    def __init__(self, n_feat, n_hid, n_cls, heads=4):
        super().__init__()
        self.l1 = GATLayer(n_feat, n_hid, heads)
        self.l2 = GATLayer(heads * n_hid, n_cls, 1, concat=False)

    def forward(self, x, adj):
        x = F.elu(self.l1(F.dropout(x, 0.2, self.training), adj))
        return self.l2(x, adj)


def sbm(n=600, k=5, p_in=0.16, p_out=0.015, n_words=80, rng=None):
    y = rng.integers(0, k, n)
    p = np.where(y[:, None] == y[None], p_in, p_out)
    activity = np.exp(0.12 * rng.normal(size=n))
    upper = np.triu(rng.random((n, n)) < p * activity[:, None] * activity[None], 1)
    adj = (upper | upper.T).astype(np.float32)
    topic = rng.random((k, n_words)) < 0.15
    x = (rng.random((n, n_words)) < 0.05 + 0.25 * topic[y]).astype(np.float32)
    return torch.tensor(x), torch.tensor(adj), torch.tensor(y)


def main():
    rng = np.random.default_rng(4)
    torch.manual_seed(4)
    torch.set_num_threads(1)
    x, adj, y = sbm(rng=rng)
    print("edges", int(adj.sum()) // 2, "min degree", int(adj.sum(1).min()))
    model = GAT(x.shape[1], 8, 5)
    opt = torch.optim.Adam(model.parameters(), lr=5e-3, weight_decay=5e-4)
    for it in range(250):
        nodes = torch.from_numpy(rng.choice(len(x), 200, replace=False))
        sub = adj[nodes][:, nodes]
        out = model(x[nodes], sub)
        loss = F.cross_entropy(out, y[nodes])
        opt.zero_grad()
        loss.backward()
        opt.step()
        if it % 10 == 0:
            print(f"it {it} loss {loss.item():.4f} acc {(out.argmax(1) == y[nodes]).float().mean():.3f}")


if __name__ == "__main__":
    main()
