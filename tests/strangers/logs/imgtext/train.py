import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# two-tower contrastive retrieval, learned logit scale, SGD
torch.manual_seed(7)
Nn=1024; z=torch.randn(Nn,24); A=torch.randn(24,80); Bm=torch.randn(24,60)
X=torch.tanh(z@A*.3)+.1*torch.randn(Nn,80); Y=torch.tanh(z@Bm*.3)+.1*torch.randn(Nn,60)
f=nn.Sequential(nn.Linear(80,128),nn.ReLU(),nn.Linear(128,32)); g=nn.Sequential(nn.Linear(60,128),nn.ReLU(),nn.Linear(128,32))
ls=nn.Parameter(torch.tensor(math.log(1/.07)))
opt=torch.optim.SGD([{'params':[*f.parameters(),*g.parameters()]},{'params':[ls],'lr':1e-3 if FIX else .3}],lr=.3,momentum=.9)
o=open(OUT+'/metrics.jsonl','w')
for s in range(1,801):
    for q in opt.param_groups[:1]: q['lr']=.3*min(1,s/100)
    b=torch.randint(0,Nn,(64,)); u=F.normalize(f(X[b]),dim=-1); v=F.normalize(g(Y[b]),dim=-1)
    L=ls.exp()*u@v.T; t=torch.arange(64); loss=(F.cross_entropy(L,t)+F.cross_entropy(L.T,t))/2
    tv=ls.exp().item(); opt.zero_grad(); loss.backward(); gn=nn.utils.clip_grad_norm_([*f.parameters(),*g.parameters()],1.0); opt.step()
    o.write(json.dumps({'step':s,'contrastive_loss':loss.item(),'logit_scale':tv,'i2t_acc':(L.argmax(1)==t).float().mean().item(),'gnorm':gn.item()})+'\n')
print('FINAL',loss.item(),ls.exp().item())
