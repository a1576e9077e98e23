"""Trains a discrete autoencoder with relaxed categorical codes on synthetic binary glyphs.

[truth]
family = "unstable_loss"
causes = ["log_of_zero"]
step = 114
phase = "forward"
"""
import torch
from torch import nn, optim
from torch.nn import functional as F

# ---------------------------------------------------------------- options
opt_seed = 5
opt_batch = 128
opt_groups = 24     # number of categorical variables
opt_classes = 48    # categories per variable
opt_iters = 400
opt_tau0, opt_tau1 = 1.0, 0.5
opt_beta = 0.02

torch.manual_seed(opt_seed)


# ---------------------------------------------------------------- data
def glyphs(n, side=14):
    """Random rectangles and strokes, black on white."""
    img = torch.zeros(n, side, side)
    r = torch.arange(side)
    for _ in range(2):
        x0, y0 = torch.randint(0, side - 4, (2, n))
        w, h = torch.randint(2, 6, (2, n))
        inx = (r >= x0[:, None]) & (r < (x0 + w)[:, None])
        iny = (r >= y0[:, None]) & (r < (y0 + h)[:, None])
        img = torch.maximum(img, (inx[:, None, :] & iny[:, :, None]).float())
    return img.flatten(1)


train_x = glyphs(4096)
test_x = glyphs(512)


# ---------------------------------------------------------------- model
class Codes(nn.Module):
    def __init__(self, groups, classes):
        super().__init__()
        self.groups, self.classes = groups, classes

    def sample_gumbel(self, like):
        u = torch.rand(like.shape)
        return -torch.log(-torch.log(u))  # <- culprit

    def forward(self, logits, tau):
        logits = logits.view(-1, self.groups, self.classes)
        if not self.training:
            return F.one_hot(logits.argmax(-1), self.classes).float().flatten(1), logits
        y = (logits + self.sample_gumbel(logits)) / tau
        return y.softmax(-1).flatten(1), y


class GlyphVAE(nn.Module):
    def __init__(self, d=196, h=160):
        super().__init__()
        k = opt_groups * opt_classes
        self.enc = nn.Sequential(nn.Linear(d, h), nn.ReLU(), nn.Linear(h, k))
        self.codes = Codes(opt_groups, opt_classes)
        self.dec = nn.Sequential(nn.Linear(k, h), nn.ReLU(), nn.Linear(h, d))

    def forward(self, x, tau):
        c, relaxed = self.codes(self.enc(x), tau)
        return self.dec(c), relaxed


def kl_to_uniform(relaxed):
    logq = relaxed.log_softmax(-1)
    return (logq.exp() * (logq + torch.tensor(float(opt_classes)).log())).sum((-1, -2)).mean()


net = GlyphVAE()
optimizer = optim.Adam(net.parameters(), lr=1e-3)

for it in range(opt_iters):
    tau = opt_tau0 + (opt_tau1 - opt_tau0) * it / opt_iters
    x = train_x[torch.randint(len(train_x), (opt_batch,))]
    recon, relaxed = net(x, tau)
    bce = F.binary_cross_entropy_with_logits(recon, x, reduction="none").sum(1).mean()
    kl = kl_to_uniform(relaxed)
    loss = bce + opt_beta * kl
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if it % 25 == 0:
        net.eval()
        with torch.no_grad():
            tb = F.binary_cross_entropy_with_logits(net(test_x, tau)[0], test_x, reduction="none").sum(1).mean()
        net.train()
        print("it %4d  tau %.2f  bce %8.3f  kl %7.3f  test bce %8.3f" % (it, tau, bce.item(), kl.item(), tb.item()))
