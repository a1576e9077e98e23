import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/train.log','w')
N=2000;g=torch.Generator().manual_seed(2);Z=torch.randn(N,12,generator=g);A=torch.randn(12,40,generator=g);B=torch.randn(12,30,generator=g)
I=torch.tanh(Z@A*.4)+.05*torch.randn(N,40,generator=g);C=torch.tanh(Z@B*.4)+.05*torch.randn(N,30,generator=g)
class Clip(nn.Module):
    def __init__(s):
        super().__init__();s.i=nn.Sequential(nn.Linear(40,128),nn.GELU(),nn.Linear(128,32));s.t=nn.Sequential(nn.Linear(30,128),nn.GELU(),nn.Linear(128,32));s.logit_scale=nn.Parameter(torch.tensor(1.0))
    def forward(s,a,b):
        a=nn.functional.normalize(s.i(a).half(),dim=1);b=nn.functional.normalize(s.t(b).half(),dim=1);return (s.logit_scale.exp().half()*a)@b.t()
def nce(lg):
    e=lg.exp();return -(lg.diagonal()-(e.sum(1)).log()).mean()     # own info-nce, in autocast dtype
m=Clip();opt=torch.optim.AdamW(m.parameters(),1.5e-3);sc=torch.amp.GradScaler('cpu',init_scale=2.**12,growth_interval=500);n=0
for s in range(1,2001):
    j=torch.randint(0,N,(64,))
    with torch.autocast('cpu',torch.float16):lg=m(I[j],C[j]);l=((nce(lg)+nce(lg.t()))/2).float()
    opt.zero_grad();sc.scale(l).backward();sc.unscale_(opt);gn=nn.utils.clip_grad_norm_(m.parameters(),1.).item();sc.step(opt);sc.update()
    if not l.isfinite():
        if n<2:print(s,l.item(),lg.max().item(),m.logit_scale.exp().item(),all(p.isfinite().all() for p in m.parameters()))
        n+=1
    if s%5==0:print(f"step {s:>6d} | loss {l.item():.4f} | gnorm {gn:.3f} | loss_scale {sc.get_scale():g}",file=f)
    if n>220:break
