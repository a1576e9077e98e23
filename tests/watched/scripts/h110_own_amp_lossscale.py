"""Own fp16 training, scale starts at 2^24: the first 10 batches are skipped, then a skip about
every 200 steps as it probes higher.

[truth]
family = "healthy"
causes = []
"""
# hand-written mixed precision: fp16 copies of fp32 master weights, dynamic loss scale that starts far too high
import torch, math
import torch.nn.functional as F
torch.set_num_threads(1)
torch.manual_seed(33)

W = [torch.randn(16, 64) * (2/16)**.5, torch.randn(64, 64) * (2/64)**.5, torch.randn(64, 1) * (1/64)**.5]
Bs = [torch.zeros(64), torch.zeros(64), torch.zeros(1)]
params = [p.requires_grad_() for p in W + Bs]
opt = torch.optim.SGD(params, lr=0.02, momentum=0.9)
scale, clean, skipped = 2.0 ** 24, 0, 0
true_w = torch.randn(16, 3)

def model(x):
    h = x.half()
    for w, b in zip(W[:2], Bs[:2]):
        h = F.relu(h @ w.half() + b.half())
    return (h @ W[2].half() + Bs[2].half()).float().squeeze(1)

for step in range(800):
    x = torch.randn(64, 16)
    y = torch.tanh(x @ true_w).sum(1)
    loss = F.mse_loss(model(x), y)
    opt.zero_grad(set_to_none=True)
    (loss * scale).backward()
    finite = all(torch.isfinite(p.grad).all() for p in params)
    if not finite:
        scale /= 2; clean = 0; skipped += 1
        continue
    for p in params:
        p.grad /= scale
    opt.step()
    clean += 1
    if clean == 100:            # probe a higher scale every 100 clean steps
        scale *= 2; clean = 0
    if step % 50 == 0:
        print(f"step {step} loss {loss.item():.4f} log2(scale) {math.log2(scale):.0f} skipped {skipped}")
