# token mixer trained in plain fp16 with dynamic loss scaling; cross entropy written by hand (log of a sum of exps)
import sys, json, os, torch, copy
from torch import nn
torch.set_num_threads(1); torch.manual_seed(2)
out = sys.argv[1]; fixed = '--fixed' in sys.argv[1:]
os.makedirs(out, exist_ok=True); D, K = 64, 20
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e = nn.Embedding(K, D); s.f = nn.Embedding(K, D); s.a = nn.Linear(D, D); s.n = nn.LayerNorm(D); s.h = nn.Linear(D, K)
    def forward(s, t):
        x = s.e(t[:, 0])+s.f(t[:, 1]); x = x+torch.relu(s.a(x)); return s.h(s.n(x))
master = M(); half = copy.deepcopy(master).half()
opt = torch.optim.Adam(master.parameters(), lr=2.5e-3)
table = torch.randint(0, K, (K, K))
def xent(z, y):
    if fixed: z = z.float(); z = z-z.max(1, keepdim=True).values.detach()
    return (torch.log(torch.exp(z).sum(1))-z.gather(1, y[:, None])[:, 0]).float().mean()
scale, good, skipped = 65536., 0, 0
f = open(out+'/train_log.jsonl', 'w')
for step in range(1, 1301):
    t = torch.randint(0, K, (32, 2)); y = table[t[:, 0], t[:, 1]]
    logit = half(t); loss = xent(logit, y)
    half.zero_grad(); (loss*scale).backward()
    if all(torch.isfinite(p.grad).all() for p in half.parameters()):
        for a, b in zip(master.parameters(), half.parameters()): a.grad = b.grad.float()/scale
        gn = nn.utils.clip_grad_norm_(master.parameters(), 1.).item(); opt.step(); good += 1
        with torch.no_grad():
            for a, b in zip(master.parameters(), half.parameters()): b.copy_(a)
        if good == 500: scale *= 2; good = 0
    else: scale /= 2; skipped += 1; good = 0; gn = float('inf')
    if step % 10 == 0: f.write(json.dumps({'step': step, 'train/loss': loss.item(), 'train/acc': (logit.argmax(1) == y).float().mean().item(), 'amp/loss_scale': scale, 'amp/skipped_total': skipped, 'grad_norm': gn})+'\n')
f.close()
