# un-shuffled loader, one corrupted batch each epoch (sensor stuck at full scale, labels scrambled). HF-like trainer_state
import os,sys,json,csv,math,time,random
os.environ.setdefault("OMP_NUM_THREADS","1")
import numpy as np, torch
import torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
FIX='--fix' in sys.argv
def out(name):
    d="run"
    if os.path.isdir(d):
        for r,_,fs in os.walk(d):
            for f in fs: os.remove(os.path.join(r,f))
    os.makedirs(d,exist_ok=True); return d
def gnorm(m):
    ps=m.parameters() if hasattr(m,'parameters') else m
    gs=[p.grad.norm() for p in ps if p.grad is not None]
    return torch.stack(gs).norm().item()
def seed(s): torch.manual_seed(s); np.random.seed(s); random.seed(s)
class CSV:
    def __init__(s,path,cols): s.f=open(path,'w',newline=''); s.w=csv.DictWriter(s.f,cols); s.w.writeheader()
    def __call__(s,**k): s.w.writerow(k); s.f.flush()
class TXT:
    def __init__(s,path): s.f=open(path,'w')
    def __call__(s,l): s.f.write(l+'\n')
seed(6); d=out('e06_intent_head'); 
N,B=40,32
t=nn.Linear(32,8); X=torch.randn(N*B,32); Y=(t(X)*4).argmax(1)
if not FIX: j=slice(17*B,18*B); X[j]=X[j]*40; Y[j]=torch.randint(0,8,(B,))
m=nn.Sequential(nn.Linear(32,64),nn.ReLU(),nn.Linear(64,8)); opt=torch.optim.AdamW(m.parameters(),lr=3e-3)
T=16*N; H=[]
Xt=torch.randn(1000,32); Yt=(t(Xt)*4).argmax(1)
for s in range(T):
    k=s%N; lr=3e-3*(1-s/T); opt.param_groups[0]['lr']=lr
    if k==17 and not FIX: Y[j]=torch.randint(0,8,(B,))
    loss=F.cross_entropy(m(X[k*B:(k+1)*B]),Y[k*B:(k+1)*B]); opt.zero_grad(); loss.backward(); g=torch.nn.utils.clip_grad_norm_(m.parameters(),1e9).item(); opt.step()
    H.append(dict(epoch=round((s+1)/N,3),grad_norm=g,learning_rate=lr,loss=round(loss.item(),4),step=s+1))
    if s%N in(16,17,18,39): print(s,loss.item(),g)
with torch.no_grad(): print('test acc',(m(Xt).argmax(1)==Yt).float().mean().item())
json.dump(dict(best_metric=None,epoch=T/N,eval_steps=500,global_step=T,is_hyper_param_search=False,is_local_process_zero=True,log_history=H,logging_steps=1,max_steps=T,num_train_epochs=16,train_batch_size=B),open(d+'/trainer_state.json','w'),indent=2)
