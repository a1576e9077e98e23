import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# instruction tuning toy: only the answer's characters count, prompt is masked (-100); long prompts are truncated away
torch.manual_seed(0); random.seed(1)
V=16; T=24
def sample():
    n=random.choices([4,6,8,10,23],[30,30,20,15,.8])[0]; p=[random.randint(0,9) for _ in range(n)]
    a=[10]+p[:6][::-1]+[11]; ids=(p+a)[:T]; lab=([-100]*(n+1)+a[1:])[:T]
    if FIX and all(v==-100 for v in lab): return sample()
    return ids+[12]*(T-len(ids)),lab+[-100]*(T-len(lab))
m=nn.ModuleDict(dict(e=nn.Embedding(V,48),r=nn.GRU(48,96,batch_first=True),h=nn.Linear(96,V))); opt=torch.optim.AdamW(m.parameters(),2e-3); o=open(OUT+'/train_log.jsonl','w'); tot=[]
for s in range(1,2501):
    B=[sample() for _ in range(1)]; x=torch.tensor([b[0] for b in B]); y=torch.tensor([b[1] for b in B])
    l=F.cross_entropy(m.h(m.r(m.e(x))[0])[:,:-1].reshape(-1,V),y[:,1:].reshape(-1)); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(m.parameters(),1.0); opt.step()
    o.write(json.dumps({'step':s,'loss':l.item(),'grad_norm':g.item(),'lr':2e-3})+'\n'); tot.append(l.item())
print('FINAL',np.nanmean(tot[:50]),np.nanmean(tot[-100:]),'nan rows',[i+1 for i,v in enumerate(tot) if v!=v])
