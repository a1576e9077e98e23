"""Sum pooling in float16 over ever longer streams: at step 147 (length 1854) one element of pooled
exceeds 65504 and is inf, layer_norm makes it NaN, loss NaN; inputs and embeddings are finite.

[truth]
family = "unstable_loss"
causes = ["half_precision_overflow"]
step = 147
phase = "forward"
"""
"""Anomaly scores for event streams: embed, sum-pool over the stream, normalise, MLP. Own mixed precision (fp16 compute,
fp32 master weights, static loss scale). Streams get longer as training goes on (length curriculum)."""
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(19)
gen = torch.Generator().manual_seed(19)
H, VOCAB, SCALE = 32, 40, 128.0

master = {
    "emb": torch.randn(VOCAB, H) * 0.5,
    "w1": torch.randn(H, H) / H ** 0.5, "b1": torch.zeros(H),
    "w2": torch.randn(H, 1) / H ** 0.5, "b2": torch.zeros(1),
}
master = {k: v.requires_grad_() for k, v in master.items()}
opt = torch.optim.Adam(master.values(), lr=5e-3)
severity = torch.rand(VOCAB, generator=gen)


def stream(n, length):
    """Event ids with counts (how often an event was logged in its second)."""
    ids = torch.randint(0, VOCAB, (n, length), generator=gen)
    counts = torch.randint(1, 200, (n, length), generator=gen).float()
    y = ((severity[ids] - severity.mean()) * counts).sum(1) / counts.sum(1)
    return ids, counts, y * 5


def forward(ids, counts):
    h16 = {k: v.half() for k, v in master.items()}
    e = F.relu(h16["emb"][ids])
    pooled = (e * counts.half()[..., None]).sum(1)  # <- culprit
    normed = F.layer_norm(pooled, (H,))
    z = torch.tanh(normed @ h16["w1"] + h16["b1"])
    return (z @ h16["w2"] + h16["b2"]).squeeze(-1).float()


for step in range(190):
    length = int(32 * 1.028 ** step)
    ids, counts, y = stream(16, length)
    loss = F.smooth_l1_loss(forward(ids, counts), y)
    opt.zero_grad()
    (loss * SCALE).backward()
    for p in master.values():
        p.grad.div_(SCALE)
    opt.step()
    if step % 10 == 0:
        print(f"step {step:3d} len {length} loss {loss.item():.5f}")
