# bigram-ish language model, batch shrinks 256 -> 4 during the run (memory given to longer contexts), SGD
import torch, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(49); os.makedirs('run',exist_ok=True)
V=60; T=torch.softmax(torch.randn(V,V)*3.5,1)
class M(nn.Module):
    def __init__(s): super().__init__(); s.e=nn.Embedding(V,32); s.m=nn.Sequential(nn.Linear(64,96),nn.GELU(),nn.Linear(96,V))
    def forward(s,a,b): return s.m(torch.cat([s.e(a),s.e(b)],1))
net=M(); opt=torch.optim.AdamW(net.parameters(),2e-3); f=open('run/train.log','w'); S=3000
for s in range(S):
    B=[256,64,16,4,2][s*5//S]; a=torch.randint(0,V,(B,)); b=torch.multinomial(T[a],1)[:,0]; y=torch.multinomial((T[b]+0.15*T[a])/1.15,1)[:,0]
    l=nn.functional.cross_entropy(net(a,b),y); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1.0); lr=2e-3*(1-s/S)
    for q in opt.param_groups: q['lr']=lr
    opt.step()
    if s%5==0: print(f'step {s:5d}/{S} | loss {l.item():.3f} | lr {lr:.2e} | norm {g.item():.2f} | bs {B}',file=f)
