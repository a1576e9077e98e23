import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# linear latent dynamics (recurrence h <- K h) fitted on rollouts; the rollout horizon is lengthened during training
torch.manual_seed(0)
D=6; blk=[torch.tensor([[math.cos(w),-math.sin(w)],[math.sin(w),math.cos(w)]]) for w in (.1,.23,.4)]; At=torch.block_diag(*blk); Q=torch.linalg.qr(torch.randn(D,D))[0]; At=Q@At@Q.T
enc=nn.Linear(D,12); cell=nn.Linear(12,12,bias=False); dec=nn.Linear(12,D)
with torch.no_grad(): cell.weight.copy_(.8*torch.eye(12)+.05*torch.randn(12,12))
mods=nn.ModuleDict(dict(enc=enc,cell=cell,dec=dec)); P=list(mods.parameters()); opt=torch.optim.SGD(P,lr=.08,momentum=.9)
w=csv.writer(open(OUT+'/train_log.csv','w')); w.writerow(['step','horizon','loss','grad/enc.weight','grad/cell.weight','grad/dec.weight','grad/total_norm'])
rec=[]
for s in range(1,1001):
    T=4+4*((s-1)//100); x=torch.randn(32,D); tgt=[]; h=enc(x); l=0; z=x
    for t in range(T): z=z@At.T; h=cell(h); l=l+F.mse_loss(dec(h),z+.05*torch.randn_like(z))
    l=l/T; opt.zero_grad(); l.backward(); g=[q.weight.grad.norm().item() for q in (enc,cell,dec)]; n=torch.stack([q.grad.norm() for q in P]).norm().item()
    if FIX: nn.utils.clip_grad_norm_(P,.2)
    opt.step(); w.writerow([s,T,l.item()]+g+[n]); rec.append((l.item(),n))
    if l.item()!=l.item(): break
print([('%.3g'%a,'%.3g'%b) for a,b in rec[::60]],rec[-7:]); print('FINAL',s,l.item(),torch.linalg.eigvals(cell.weight).abs().max() if FIX else '')
