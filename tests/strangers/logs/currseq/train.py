import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# copy-with-shift task, curriculum over length: 3 -> 12
torch.manual_seed(0); V=10
m=nn.ModuleDict(dict(e=nn.Embedding(V+2,32),r=nn.GRU(32,128,batch_first=True),h=nn.Linear(128,V))); opt=torch.optim.Adam(m.parameters(),3e-3)
w=csv.writer(open(OUT+'/progress.csv','w')); w.writerow(['iteration','seq_len','train_loss','gnorm','lr'])
for it in range(1,2401):
    n=[2,4,6,8][min(3,it//600)]; x=torch.randint(0,V,(64,n)); inp=torch.cat([x,torch.full((64,n),V)],1)
    l=F.cross_entropy(m.h(m.r(m.e(inp))[0][:,n:]).flatten(0,1),x.flatten()); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(m.parameters(),1.); opt.step()
    if it%10==0: w.writerow([it,n,f'{l.item():.5f}',f'{float(g):.5f}',3e-3])
    if it%600==599: print(n,l.item())
print('FINAL',l.item())
