# small mixer classifier, fp16 autocast + loss scaling (CPU)
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(9)
V,T,D,K=200,12,32,10; table=torch.randn(V,K)
def batch(n): x=torch.randint(0,V,(n,T)); return x,(table[x].sum(1)+torch.randn(n,K)).argmax(1)
class Blk(nn.Module):
    def __init__(s): super().__init__(); s.u=nn.Linear(D,4*D); s.v=nn.Linear(4*D,D); s.m=nn.Linear(T,T)
    def forward(s,x):
        x=x+s.m(x.transpose(1,2)).transpose(1,2); return x+s.v(torch.relu(s.u(x))**2)
class M(nn.Module):
    def __init__(s): super().__init__(); s.e=nn.Embedding(V,D); s.b=nn.Sequential(*[Blk() for _ in range(3)]); s.n=nn.LayerNorm(D); s.o=nn.Linear(D,K)
    def forward(s,x,k=1.0): return s.o(s.n(s.b((s.e(x)*k).half()).float()).mean(1))
net=M(); S=1400; opt=torch.optim.AdamW(net.parameters(),1.5e-3,weight_decay=0.0)
sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda t:min((t+1)/200,1)); sc=torch.amp.GradScaler('cpu',init_scale=65536.,growth_interval=200)
w=SummaryWriter('run'); pk={}; bad=0; import time; t0=time.time()
for i,b in enumerate(net.b): b.register_forward_hook(lambda m,a,o,i=i: pk.update({i:o.abs().max().item()}))
for s in range(S):
    x,y=batch(24); k=1.0 if torch.rand(1)>0.006 else 90.0      # clips at a wrong gain
    with torch.autocast('cpu',dtype=torch.float16): l=nn.functional.cross_entropy(net(x,k).float(),y)
    opt.zero_grad(); sc.scale(l).backward(); sc.unscale_(opt); g=nn.utils.clip_grad_norm_(net.parameters(),1.0); sc.step(opt); sc.update(); bad+=int(not torch.isfinite(l)); sch.step()
    if True: w.add_scalar('train/loss',l.item(),s); w.add_scalar('amp/scale',sc.get_scale(),s); w.add_scalar('train/grad_norm',g.item(),s); w.add_scalar('train/lr',sch.get_last_lr()[0],s)
    if s%100==0: print(s,bad,round(time.time()-t0),l.item(),g.item(),sc.get_scale(),pk)
w.close()
