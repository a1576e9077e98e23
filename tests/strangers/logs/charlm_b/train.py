import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# small post-LN transformer on source code, linear warm-up "schedule"
from _data import text
torch.manual_seed(1337)
ids,V=text(); B,T,D=16,32,64
class Block(nn.Module):
    def __init__(s):
        super().__init__(); s.qkv=nn.Linear(D,3*D); s.o=nn.Linear(D,D); s.l1=nn.LayerNorm(D); s.l2=nn.LayerNorm(D)
        s.f=nn.Sequential(nn.Linear(D,4*D),nn.GELU(),nn.Linear(4*D,D))
    def forward(s,x):
        q,k,v=[z.view(x.size(0),T,4,D//4).transpose(1,2) for z in s.qkv(x).chunk(3,-1)]
        a=F.scaled_dot_product_attention(q,k,v,is_causal=True).transpose(1,2).reshape(x.shape)
        x=s.l1(x+s.o(a)); return s.l2(x+s.f(x))
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(V,D); s.p=nn.Parameter(torch.randn(T,D)*.02); s.b=nn.Sequential(Block(),Block()); s.h=nn.Linear(D,V)
    def forward(s,x): return s.h(s.b(s.e(x)+s.p))
m=M(); warm=50
opt=torch.optim.AdamW(m.parameters(),lr=3e-3,betas=(.9,.95))
sched=torch.optim.lr_scheduler.LambdaLR(opt,(lambda i: min(1,(i+1)/warm)) if FIX else (lambda i:(i+1)/warm))
log=open(OUT+'/out.log','w'); t0=time.time()
print(f'number of parameters: {sum(p.numel() for p in m.parameters())/1e6:.2f}M\nvocab size {V}',file=log)
for it in range(1200):
    i=torch.randint(0,len(ids)-T-1,(B,)); x=torch.stack([ids[j:j+T] for j in i]); y=torch.stack([ids[j+1:j+T+1] for j in i])
    loss=F.cross_entropy(m(x).flatten(0,1),y.flatten()); opt.zero_grad(); loss.backward()
    g=nn.utils.clip_grad_norm_(m.parameters(),1e9)
    if it%10==0: print(f'iter {it}: loss {loss.item():.4f}, lr {opt.param_groups[0]["lr"]:.3e}, gnorm {g:.4f}, time {(time.time()-t0)*1e3/(it+1):.2f}ms',file=log)
    opt.step(); sched.step()
print('FINAL',loss.item())
