# rain events -> water level with a small linear state-space layer, no clipping
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(5); torch.set_num_threads(1)
T, B = 150, 32
def batch():
    r = torch.randn(B, T) * (torch.rand(B, T) < .2); s = torch.zeros(B); y = []
    for t in range(T): s = .995 * s + r[:, t]; y.append(s)
    return r[..., None], torch.stack(y, 1)[..., None] * .3
class SSM(nn.Module):
    def __init__(s, d=32): super().__init__(); s.W = nn.Parameter(.9 * torch.eye(d) + .01 * torch.randn(d, d)); s.U = nn.Linear(1, d); s.o = nn.Sequential(nn.Linear(d, 32), nn.ReLU(), nn.Linear(32, 1))
    def forward(s, x):
        h = torch.zeros(x.shape[0], s.W.shape[0]); H = []; u = s.U(x) * .2
        for t in range(x.shape[1]): h = h @ s.W + u[:, t]; H.append(h)
        return s.o(torch.stack(H, 1))
net = SSM(); P = list(net.parameters()); opt = torch.optim.SGD(P, lr=5e-4, momentum=.9)
log = open('run/train.log', 'w'); step = 0
for ep in range(1, 6):
    tot = 0
    for i in range(1, 101):
        x, y = batch(); loss = F.mse_loss(net(x), y)
        opt.zero_grad(); loss.backward(); opt.step(); step += 1; tot += loss.item()
        g = torch.sqrt(sum((p.grad ** 2).sum() for p in P)).item(); rho = torch.linalg.eigvals(net.W.data.nan_to_num(0, 0, 0)).abs().max().item()
        if i % 2 == 0: log.write(f"Epoch [{ep}/5] Iter [{i}/100] loss: {loss.item():.4f}\n")
        print(step, f"{loss.item():.4g} g {g:.4g} rho {rho:.3f}")
    log.write(f"==> Epoch {ep} mean loss {tot/100:.4f}\n")
