# CTR model with cross layers (DCN), fp16 forward + GradScaler
import torch, torch.nn as nn, os
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(0); NF,CARD,K=8,60,8; D=NF*K
U=torch.randn(NF,CARD); P2=torch.randn(NF,NF)*.6
def batch(n):
    x=torch.randint(0,CARD,(n,NF)); u=U[torch.arange(NF),x]; z=((u@P2)*u).sum(1)+u[:,0]; return x,(z*3>0).float()
class DCN(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(NF*CARD,K); nn.init.normal_(s.e.weight,std=.3); s.w=nn.ParameterList([nn.Parameter(torch.randn(D,D)/D**.5) for _ in range(4)]); s.o=nn.Linear(D,1)
    def forward(s,x):
        x0=s.e(x+torch.arange(NF)*CARD).flatten(1).half(); h=x0
        for w in s.w: h=x0*(h@w.half())+h
        s.h=h; return (h@s.o.weight.half().t()).float()[:,0]+s.o.bias
m=DCN(); LR=float(os.environ.get('LR',1e-2)); opt=torch.optim.Adam(m.parameters(),lr=LR); sc=torch.amp.GradScaler('cpu',init_scale=2.**20,growth_interval=100); w=SummaryWriter('run/dcn_fp16')
for k in range(1600):
    x,y=batch(256); o=m(x); l=nn.functional.binary_cross_entropy_with_logits(o,y); opt.zero_grad(); sc.scale(l).backward(); sc.unscale_(opt); g=torch.nn.utils.get_total_norm([p.grad for p in m.parameters()])
    if os.environ.get('DBG') and (k%200==0 or not l.isfinite()): print(k,l.item(),'auc-ish acc',((o>0)==(y>0)).float().mean().item(),'max h',m.h.abs().max().item(),'emb',m.e.weight.abs().max().item(),float(g),sc.get_scale())
    if os.environ.get('DBG') and not l.isfinite(): print(m.e.weight.isfinite().all(),[p.isfinite().all().item() for p in m.w]); break
    sc.step(opt); sc.update()
    if k%4==0: w.add_scalar('train_loss_step',l.item(),k); w.add_scalar('grad_norm',float(g),k); w.add_scalar('amp/scale',sc.get_scale(),k)
w.close()
