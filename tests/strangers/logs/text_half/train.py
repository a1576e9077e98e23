# bag-of-words sentiment, whole model in half precision
import torch, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(61); os.makedirs('run',exist_ok=True)
V=400; pol=torch.randn(V)
def batch(n): x=torch.randint(0,V,(n,16)); return x,(pol[x].mean(1)+0.1*torch.randn(n)>0).long()
net=nn.Sequential(nn.EmbeddingBag(V,64,mode='mean'),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2)); net.half()
opt=torch.optim.Adam(net.parameters(),1e-3,foreach=False); f=open('run/train.log','w'); print('device: cpu  dtype: torch.float16  params: %d'%sum(p.numel() for p in net.parameters()),file=f)
for s in range(300):
    x,y=batch(64); o=net(x); l=nn.functional.cross_entropy(o,y); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1e4); opt.step()
    if s<3: print([torch.isfinite(p).all().item() for p in net.parameters()],[(st['exp_avg_sq']==0).float().mean().item() for st in opt.state.values()])
    print(f'[step {s:04d}] train_loss={l.item():.4f} acc={(o.argmax(1)==y).float().mean().item():.3f} gnorm={g.item():.4f} lr=0.001',file=f)
