# token-level LM-like classification with batch size ramp via accumulation
import torch, torch.nn as nn, os
torch.set_num_threads(1); torch.manual_seed(2); os.makedirs('run', exist_ok=True)
src=''.join(open(os.path.join(os.path.dirname(os.__file__),n)).read() for n in ['argparse.py','ast.py','inspect.py'])
ch=sorted(set(src)); D=torch.tensor([ch.index(c) for c in src]); V=len(ch); CTX=16
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(V,24); s.f=nn.Sequential(nn.Linear(24*CTX,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,V))
    def forward(s,x): return s.f(s.e(x).flatten(1))
m=M(); opt=torch.optim.SGD(m.parameters(),lr=0.1,momentum=0.9)
f=open('run/train.log','w'); seen=0
print(f'data: {len(D)} chars, vocab {V} | params {sum(p.numel() for p in m.parameters())} | opt SGD(lr=0.1, momentum=0.9) | micro_batch 32',file=f)
for k in range(1,1401):
    acc=1 if k<=600 else 8 if k<=1000 else 32
    opt.zero_grad(); tot=0
    for _ in range(acc):
        i=torch.randint(0,len(D)-CTX-1,(32,)); x=torch.stack([D[j:j+CTX] for j in i]); y=D[i+CTX]
        l=nn.functional.cross_entropy(m(x),y); l.backward(); tot+=l.item()/acc
    g=torch.nn.utils.get_total_norm([p.grad for p in m.parameters()]); opt.step(); seen+=32*acc
    if k%10==0: print(f'step {k:5d} | loss {tot:.4f} | gnorm {float(g):.3f} | bsz {32*acc} | samples {seen}',file=f)
