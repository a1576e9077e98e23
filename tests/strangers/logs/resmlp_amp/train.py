import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/train.log','w')
N=4096;g=torch.Generator().manual_seed(2);X=torch.randn(N,48,generator=g);Wt=torch.randn(48,1,generator=g);Y=(X@Wt)*3+(X[:,:1]*X[:,1:2])*8
class Blk(nn.Module):
    def __init__(s):
        super().__init__();s.a=nn.Linear(64,128);s.b=nn.Linear(128,64)
    def forward(s,h):
        a=s.a(h);return h+s.b(a*a.relu())       # squared-relu mlp, no norm
m=nn.Sequential(nn.Linear(48,64),Blk(),Blk(),Blk(),Blk(),nn.Linear(64,1));opt=torch.optim.Adam(m.parameters(),3e-3)
sc=torch.amp.GradScaler('cpu',init_scale=2.**16,growth_interval=200)
def lr(i):return min(1,(i+1)/500)
sch=torch.optim.lr_scheduler.LambdaLR(opt,lr);bad=0
for s in range(1,1501):
    j=torch.randint(0,N,(32,))
    with torch.autocast('cpu',torch.float16):
        o=m(X[j])
    l=((o.float()-Y[j])**2).mean();opt.zero_grad();sc.scale(l).backward();sc.unscale_(opt)
    gn=nn.utils.clip_grad_norm_(m.parameters(),1e9).item()
    if not l.isfinite() and bad<2: print(s,'loss',l.item(),'out',o.abs().max().item(),'w ok',all(p.isfinite().all() for p in m.parameters()))
    sc.step(opt);sc.update();sch.step()
    if s%1==0 and (s%5==0): print(f"step {s:>6d} | loss {l.item():.4f} | gnorm {gn:.3f} | scale {sc.get_scale():g} | lr {opt.param_groups[0]['lr']:.2e}",file=f)
    bad+= (not l.isfinite())
    if sc.get_scale()<1e-30 and s%5==0: break
print('bad',bad,s)
