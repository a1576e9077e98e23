"""Embeds a small taxonomy in the Poincare ball.

[truth]
family = "unstable_loss"
causes = ["argument_out_of_domain", "undefined_operation"]
step = 58
window = 0
phase = "forward"
"""
import torch


class PoincareTree(torch.nn.Module):
    def __init__(self, nodes, dim=2):
        super().__init__()
        self.points = torch.nn.Parameter(1e-1 * torch.randn(nodes, dim))

    def depth(self, i):
        r = torch.linalg.vector_norm(self.points[i], dim=-1)
        return 2 * torch.atanh(r)  # <- culprit

    def distance(self, i, j):
        u, v = self.points[i], self.points[j]
        num = 2 * (u - v).pow(2).sum(-1)
        den = (1 - u.pow(2).sum(-1)) * (1 - v.pow(2).sum(-1))
        return torch.log1p(num / den.clamp_min(1e-6))


NODES = 63
parents = {n: (n - 1) // 2 for n in range(1, NODES)}
levels = torch.tensor([(n + 1).bit_length() - 1 for n in range(NODES)]).float()
torch.manual_seed(1)
tree = PoincareTree(NODES)
opt = torch.optim.SGD(tree.parameters(), lr=0.02)
children = torch.tensor(list(parents))
fathers = torch.tensor(list(parents.values()))
for sweep in range(150):
    far = torch.randint(NODES, (len(children),))
    near = tree.distance(children, fathers)
    apart = tree.distance(children, far)
    rank = torch.relu(1.0 + near - apart).mean()
    height = (tree.depth(torch.arange(NODES)) - 1.2 * levels).pow(2).mean()
    loss = rank + height
    opt.zero_grad()
    loss.backward()
    opt.step()
    if sweep % 25 == 0:
        print("sweep", sweep, "rank", round(rank.item(), 4), "height", round(height.item(), 4))
