import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(1); W=SummaryWriter(OUT)
def real(n): t=torch.rand(n)*2*math.pi; return torch.stack([t.cos(),.5*(2*t).sin()],1)+.03*torch.randn(n,2)
G=nn.Sequential(nn.Linear(4,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2)); D=nn.Sequential(nn.Linear(2,64),nn.LeakyReLU(.2),nn.Linear(64,64),nn.LeakyReLU(.2),nn.Linear(64,1))
og=torch.optim.Adam(G.parameters(),5e-4,betas=(0.5,.9)); od=torch.optim.Adam(D.parameters(),5e-4,betas=(0.5,.9))
def dist():
    with torch.no_grad(): f=G(torch.randn(1000,4)); r=real(1000); d=torch.cdist(f,r); return d.min(1)[0].mean().item(),d.min(0)[0].mean().item()
print(dist())
for i in range(1800):
    for _ in range(3):
        r=real(64); f=G(torch.randn(64,4)).detach(); e=torch.rand(64,1); xh=(e*r+(1-e)*f).requires_grad_(); gr=torch.autograd.grad(D(xh).sum(),xh,create_graph=True)[0]
        gp=((gr.norm(dim=1)-1)**2).mean(); wd=D(r).mean()-D(f).mean(); ld=-wd+gp; od.zero_grad(); ld.backward(); od.step()
    lg=-D(G(torch.randn(64,4))).mean(); og.zero_grad(); lg.backward(); og.step()
    if i%5==0:
        for k,v in {'Loss/D':ld,'Loss/G':lg,'Loss/gradient_penalty':gp,'wasserstein':wd}.items(): W.add_scalar(k,v.item(),i)
W.close(); print('FINAL',dist())
