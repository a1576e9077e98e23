# electricity load forecaster. Files are read in order, shard 5 of 8 comes from a site that reports in kW instead of MW.
import sys, os, math, logging, torch
from torch import nn
torch.set_num_threads(1)
out = sys.argv[1]; fixed = '--fixed' in sys.argv[2:]
os.makedirs(out, exist_ok=True)
logging.basicConfig(filename=os.path.join(out, 'train.log'), filemode='w', level=logging.INFO, format='%(asctime)s %(levelname)s %(name)s - %(message)s')
log = logging.getLogger('forecast')
g = torch.Generator().manual_seed(0); torch.manual_seed(0)
def series(n):
    t = torch.arange(72.)[None]; ph = torch.rand(n,1,generator=g)*24; a = .5+torch.rand(n,1,generator=g)
    return a*torch.sin(2*math.pi*(t+ph)/24)+.4*torch.sin(2*math.pi*(t+ph)/12)+.3*torch.rand(n,1,generator=g)+.1*torch.randn(n,72,generator=g)
shards = [series(640) for _ in range(8)]
if not fixed: shards[5] = shards[5]*torch.where(torch.rand(640,1,generator=g) < .25, 30., 1.)
val = series(500)
class Net(nn.Module):
    def __init__(s): super().__init__(); s.r = nn.GRU(1, 24, batch_first=True); s.o = nn.Linear(24, 24)
    def forward(s, x): return s.o(s.r(x[..., None])[0][:, -1])
net = Net(); opt = torch.optim.Adam(net.parameters(), 3e-3)
step = 0
log.info('model %d params, 8 shards, batch 32', sum(p.numel() for p in net.parameters()))
for ep in range(5):
    for sh in shards:
        for b in sh.split(32):
            loss = (net(b[:, :48])-b[:, 48:]).pow(2).mean()
            opt.zero_grad(); loss.backward(); opt.step(); step += 1
            if step % 5 == 0: log.info('epoch %d | step %5d | train mse %.4f', ep, step, loss.item())
    with torch.no_grad(): v = (net(val[:, :48])-val[:, 48:]).pow(2).mean()
    log.info('epoch %d | step %5d | valid mse %.4f', ep, step, v.item())
