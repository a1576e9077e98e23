# time series forecasting, small transformer, SGD + linear warmup to peak, cosine after
import torch, torch.nn as nn, math
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(0)
T=48; t=torch.arange(0,6000.)
s=torch.sin(2*math.pi*t/24)+.5*torch.sin(2*math.pi*t/168)+.15*torch.randn(6000).cumsum(0)*.1+.1*torch.randn(6000)
s=(s-s.mean())/s.std()
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Linear(1,48); s.pos=nn.Parameter(torch.randn(T,48)*.02)
        s.b=nn.ModuleList([nn.TransformerEncoderLayer(48,4,96,0.,batch_first=True,norm_first=True) for _ in range(2)]); s.h=nn.Linear(48,12)
    def forward(s,x):
        x=s.e(x.unsqueeze(-1))+s.pos
        for b in s.b: x=b(x)
        return s.h(x.mean(1))
m=M(); PEAK,WU,TOT=1.0,400,1000
opt=torch.optim.SGD(m.parameters(),lr=PEAK,momentum=0.9)
sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda k: min(1,(k+1)/WU) if k<WU else .5*(1+math.cos(math.pi*(k-WU)/(TOT-WU))))
w=SummaryWriter('run')
for k in range(TOT):
    i=torch.randint(0,6000-T-12,(32,)); x=torch.stack([s[j:j+T] for j in i]); y=torch.stack([s[j+T:j+T+12] for j in i])
    l=((m(x)-y)**2).mean(); opt.zero_grad(); l.backward()
    g=torch.nn.utils.clip_grad_norm_(m.parameters(),1e9)
    w.add_scalar('train/loss',l.item(),k); w.add_scalar('train/lr',opt.param_groups[0]['lr'],k); w.add_scalar('train/grad_norm',float(g),k)
    opt.step(); sch.step()
w.close()
