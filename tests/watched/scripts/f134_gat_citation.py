"""Dense graph attention network for node-level regression over small molecule-like graphs.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 88
window = 0
phase = "forward"
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(7)


def random_graph(g, n=14, p=0.3, connected=True):
    upper = torch.triu((torch.rand(n, n, generator=g) < p).float(), 1)
    adj = upper + upper.t()
    if connected:
        ring = torch.arange(n)
        nxt = (ring + 1) % n
        adj[ring, nxt] = 1
        adj[nxt, ring] = 1
    feats = torch.randn(n, 6, generator=g)
    deg = adj.sum(1, keepdim=True).clamp(min=1)
    target = torch.tanh((adj @ feats[:, :2] / deg).sum(1) + 0.5 * feats[:, 2])
    return adj, feats, target


def build_corpus(n_graphs):
    g = torch.Generator().manual_seed(3)
    graphs = [random_graph(g) for _ in range(n_graphs)]
    # two graphs were cut out of a larger one
    for k in (706, 1111):
        adj, feats, target = graphs[k]
        adj = adj.clone()
        adj[5, :] = 0
        adj[:, 5] = 0
        graphs[k] = (adj, feats, target)
    return [torch.stack(t) for t in zip(*graphs)]


class GraphAttention(nn.Module):
    def __init__(self, d_in, d_out, heads=2):
        super().__init__()
        self.heads, self.d = heads, d_out
        self.proj = nn.Linear(d_in, heads * d_out, bias=False)
        self.a_src = nn.Parameter(torch.randn(heads, d_out) * 0.2)
        self.a_dst = nn.Parameter(torch.randn(heads, d_out) * 0.2)
        self.skip = nn.Linear(d_in, heads * d_out)

    def forward(self, x, adj):
        b, n, _ = x.shape
        h = self.proj(x).view(b, n, self.heads, self.d)
        src = (h * self.a_src).sum(-1).permute(0, 2, 1)
        dst = (h * self.a_dst).sum(-1).permute(0, 2, 1)
        e = F.leaky_relu(dst.unsqueeze(-1) + src.unsqueeze(-2), 0.2)
        e = e.masked_fill(adj.unsqueeze(1) == 0, float("-inf"))
        alpha = torch.softmax(e, dim=-1)  # <- culprit
        out = torch.einsum("bhij,bjhd->bihd", alpha, h).reshape(b, n, -1)
        return F.elu(out + self.skip(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.g1 = GraphAttention(6, 16)
        self.g2 = GraphAttention(32, 16)
        self.head = nn.Linear(32, 1)

    def forward(self, x, adj):
        return self.head(self.g2(self.g1(x, adj), adj)).squeeze(-1)


adjs, feats, targets = build_corpus(1600)
model = Net()
optim = torch.optim.Adam(model.parameters(), lr=3e-3)
bs = 8
history = []
for it in range(200):
    lo = (it * bs) % len(adjs)
    sl = slice(lo, lo + bs)
    pred = model(feats[sl], adjs[sl])
    loss = F.mse_loss(pred, targets[sl])
    optim.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optim.step()
    history.append(loss.item())
    if it % 40 == 0:
        print("iter", it, "mse", round(sum(history[-40:]) / len(history[-40:]), 4))
print("final", history[-1])
