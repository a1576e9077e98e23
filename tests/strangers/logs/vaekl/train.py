import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from _data import shapes
torch.manual_seed(0)
x,_,m=shapes(2000,12,30,0); x=x.flatten(1).clamp(0,1)
E=nn.Sequential(nn.Linear(144,128),nn.ReLU(),nn.Linear(128,16)); Dc=nn.Sequential(nn.Linear(8,128),nn.ReLU(),nn.Linear(128,144)); opt=torch.optim.Adam([*E.parameters(),*Dc.parameters()],1e-3); o=open(OUT+'/train_metrics.jsonl','w'); k=0
for ep in range(40):
    for b in torch.randperm(2000).split(50):
        mu,lv=E(x[b]).chunk(2,1); z=mu+torch.randn_like(mu)*(lv/2).exp(); rec=F.binary_cross_entropy_with_logits(Dc(z),x[b],reduction='sum')/len(b); kl=.5*(mu**2+lv.exp()-lv-1).sum(1).mean()
        beta=min(1,max(0,(k-300)/900))*4; l=rec+beta*kl; opt.zero_grad(); l.backward(); opt.step(); k+=1
        if k%4==0: o.write(json.dumps({'global_step':k,'train/loss':l.item(),'train/recon':rec.item(),'train/kl':kl.item(),'train/beta':beta})+'\n')
print('FINAL',rec.item(),kl.item(),k)
