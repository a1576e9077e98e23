import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# full-batch sum-aggregation GNN on a block-model graph
torch.manual_seed(1)
N,C=600,4; y=torch.randint(0,C,(N,)); Pm=torch.where(y[:,None]==y[None],.08,.012); A=(torch.rand(N,N)<Pm).float().triu(1); A=A+A.T+torch.eye(N)
X=torch.randn(N,32)*1.5+F.one_hot(y,C).float()@torch.randn(C,32)*.8; tr=torch.rand(N)<.5; Y=F.one_hot(y,C).float()
W1=nn.Linear(32,64); W2=nn.Linear(64,C); P=[*W1.parameters(),*W2.parameters()]; opt=torch.optim.Adam(P,lr=.028); o=open(OUT+'/gnn.log','w')
for e in range(1,201):
    h=torch.relu(A@W1(X)*.2); z=A@W2(F.dropout(h,.5))*.2; p=torch.softmax(z,1)
    if FIX: l=F.cross_entropy(z[tr],y[tr])
    else: l=-(Y[tr]*torch.log(p[tr])).sum(1).mean()
    opt.zero_grad(); l.backward(); opt.step()
    a=(p.argmax(1)==y).float(); c=p.max(1)[0].mean()
    print(f'Epoch: {e:03d}, Loss: {l.item():.6f}, Train Acc: {a[tr].mean():.4f}, Val Acc: {a[~tr].mean():.4f}, mean_conf: {c.item():.6f}',file=o)
print('FINAL',l.item(),a[~tr].mean().item(),z.abs().max().item())
