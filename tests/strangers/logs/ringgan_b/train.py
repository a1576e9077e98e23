import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

torch.manual_seed(2)
def real(n):
    t=torch.randint(0,8,(n,))*math.pi/4; return 2*torch.stack([t.cos(),t.sin()],1)+.02*torch.randn(n,2)
G=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2)); D=nn.Sequential(nn.Linear(2,128),nn.LeakyReLU(.2),nn.Linear(128,128),nn.LeakyReLU(.2),nn.Linear(128,1))
og=torch.optim.Adam(G.parameters(),lr=1e-3 if FIX else 2e-5,betas=(.5,.999)); od=torch.optim.Adam(D.parameters(),lr=1e-3 if FIX else 4e-3,betas=(.5,.999))
w=csv.writer(open(OUT+'/losses.csv','w')); w.writerow(['iteration','loss_D','loss_G','D(x)','D(G(z))'])
B=F.binary_cross_entropy_with_logits
for i in range(2500):
    ns=.3*max(0,1-i/2000) if FIX else 0
    r=real(128); f=G(torch.randn(128,8))
    for _ in range(1 if FIX else 2):
        dr=D(r+ns*torch.randn_like(r)); df=D(f.detach()+ns*torch.randn_like(f)); ld=B(dr,torch.ones_like(dr))+B(df,torch.zeros_like(df)); od.zero_grad(); ld.backward(); od.step()
    dg=D(f+ns*torch.randn_like(f)); lg=B(dg,torch.ones_like(dg)); og.zero_grad(); lg.backward(); og.step()
    if i%20==0: w.writerow([i,f'{ld.item():.6f}',f'{lg.item():.6f}',f'{dr.sigmoid().mean().item():.5f}',f'{dg.sigmoid().mean().item():.5f}'])
with torch.no_grad():
    f=G(torch.randn(2000,8)); c=2*torch.stack([torch.arange(8)*math.pi/4]*2,1); c=2*torch.stack([(torch.arange(8)*math.pi/4).cos(),(torch.arange(8)*math.pi/4).sin()],1); d,k=torch.cdist(f,c).min(1)
print('FINAL',ld.item(),lg.item(),'dist',d.median().item(),'modes',len(set(k[d<.3].tolist())))
