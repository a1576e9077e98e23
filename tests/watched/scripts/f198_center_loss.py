"""Trains an embedding network with softmax + center loss on synthetic identities.

[truth]
family = "corrupted_state"
causes = ["poisoned_buffers", "division_by_zero"]
step = 639
window = 1
phase = "state"
"""
import argparse

import torch
import torch.nn as nn
import torch.nn.functional as F


class CenterLoss(nn.Module):
    """Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition (ECCV 2016).

    Centers are not learned by SGD; they follow the class means of the features.
    """

    def __init__(self, num_classes, feat_dim, alpha=0.5):
        super().__init__()
        self.alpha = alpha
        self.num_classes = num_classes
        self.register_buffer("centers", torch.zeros(num_classes, feat_dim))

    def forward(self, feat, label):
        loss = 0.5 * (feat - self.centers[label]).pow(2).sum(1).mean()
        self.update(feat.detach(), label)
        return loss

    @torch.no_grad()
    def update(self, feat, label):
        for c in range(self.num_classes):
            mean = feat[label == c].mean(dim=0)  # <- culprit
            self.centers[c] += self.alpha * (mean - self.centers[c])


class EmbeddingNet(nn.Module):
    def __init__(self, in_dim, feat_dim, num_classes):
        super().__init__()
        self.fc1 = nn.Linear(in_dim, 96)
        self.prelu1 = nn.PReLU()
        self.fc2 = nn.Linear(96, 48)
        self.prelu2 = nn.PReLU()
        self.feat = nn.Linear(48, feat_dim)
        self.cls = nn.Linear(feat_dim, num_classes, bias=False)

    def forward(self, x):
        x = self.prelu1(self.fc1(x))
        x = self.prelu2(self.fc2(x))
        f = self.feat(x)
        return f, self.cls(f)


def make_identities(n, num_classes, in_dim, gen):
    protos = torch.randn(num_classes, in_dim, generator=gen)
    y = torch.randint(0, num_classes, (n,), generator=gen)
    style = torch.randn(n, 4, generator=gen) @ torch.randn(4, in_dim, generator=gen)
    x = protos[y] + 0.5 * style + 0.6 * torch.randn(n, in_dim, generator=gen)
    return x, y


def main(args):
    gen = torch.Generator().manual_seed(args.seed)
    torch.manual_seed(args.seed)
    x, y = make_identities(6000, args.num_classes, 40, gen)
    xt, yt, xv, yv = x[:5000], y[:5000], x[5000:], y[5000:]
    net = EmbeddingNet(40, args.feat_dim, args.num_classes)
    center = CenterLoss(args.num_classes, args.feat_dim)
    optimizer = torch.optim.SGD(net.parameters(), lr=args.lr, momentum=0.9, weight_decay=5e-4)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10, 0.5)
    for epoch in range(args.epochs):
        perm = torch.randperm(len(xt), generator=gen)
        s_ce = s_cl = 0.0
        n_batches = 0
        for k in range(0, len(xt) - args.batch_size + 1, args.batch_size):
            idx = perm[k:k + args.batch_size]
            feat, logits = net(xt[idx])
            ce = F.cross_entropy(logits, yt[idx])
            cl = center(feat, yt[idx])
            loss = ce + args.weight * cl
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            s_ce += ce.item()
            s_cl += cl.item()
            n_batches += 1
        scheduler.step()
        with torch.no_grad():
            acc = (net(xv)[1].argmax(1) == yv).float().mean().item()
        print("Epoch [%02d] softmax %.4f center %.4f  test acc %.2f%%" % (
            epoch, s_ce / n_batches, s_cl / n_batches, 100 * acc))


if __name__ == "__main__":
    p = argparse.ArgumentParser()
    p.add_argument("--num-classes", type=int, default=10)
    p.add_argument("--feat-dim", type=int, default=2)
    p.add_argument("--batch-size", type=int, default=80)
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--lr", type=float, default=0.02)
    p.add_argument("--weight", type=float, default=0.05)
    p.add_argument("--seed", type=int, default=1)
    main(p.parse_args())
