# next-character model on a synthetic text, tqdm-like console
import torch, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(14); os.makedirs('run',exist_ok=True)
V=40; words=[torch.randint(1,V,(int(torch.randint(2,7,(1,))),)) for _ in range(120)]; p=1/torch.arange(1.,121)
ids=torch.multinomial(p,40000,True); text=torch.cat([torch.cat([words[i],torch.zeros(1,dtype=torch.long)]) for i in ids])
class M(nn.Module):
    def __init__(s): super().__init__(); s.e=nn.Embedding(V,32); s.r=nn.LSTM(32,96,batch_first=True); s.o=nn.Linear(96,V)
    def forward(s,x): return s.o(s.r(s.e(x))[0])
net=M(); opt=torch.optim.Adam(net.parameters(),1.5e-3); S=1600; f=open('run/train.log','w'); f.write('vocab 40, %d characters\n'%len(text))
for s in range(1,S+1):
    i=torch.randint(0,len(text)-41,(24,)); b=torch.stack([text[j:j+41] for j in i])
    l=nn.functional.cross_entropy(net(b[:,:-1]).flatten(0,1),b[:,1:].flatten()); opt.zero_grad(); l.backward()
    g=nn.utils.clip_grad_norm_(net.parameters(),1.0); opt.step()
    f.write(f'\rtrain: {100*s//S:3d}%|{"█"*(10*s//S):<10}| {s}/{S} [{s//40//60:02d}:{s//40%60:02d}, 40.{s%9}it/s, loss={l.item():.4f}, grad_norm={g.item():.3f}]')
    if s==937:                                                       # injected: one exponent bit in the output matrix
        r,k=divmod(net.o.weight.data.abs().argmin().item(),96); v=net.o.weight.data.view(torch.int32); print(net.o.weight[r,k].item(),end=' -> '); v[r,k]^=(1<<30); print(net.o.weight[r,k].item())
f.write('\n')
