# house prices (in thousands), columns as they come: area in sq ft, lot, year built, rooms, distance
import torch, json, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(63); os.makedirs('run',exist_ok=True)
N=8000; area=torch.rand(N)*2500+600; lot=torch.exp(torch.randn(N)*0.7+9); yr=torch.randint(1920,2020,(N,)).float(); rm=torch.randint(2,8,(N,)).float(); d=torch.rand(N)*30
y=(0.11*area+0.0012*lot+0.6*(yr-1920)+9*rm-2*d+25*torch.randn(N)); X=torch.stack([area,lot,yr,rm,d],1)
net=nn.Sequential(nn.Linear(5,32),nn.ReLU(),nn.Linear(32,1)); opt=torch.optim.SGD(net.parameters(),1e-3); f=open('run/history.jsonl','w'); k=0
for ep in range(2):
    for i in torch.randperm(N).split(32):
        l=nn.functional.mse_loss(net(X[i])[:,0],y[i]); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),float('inf')).item(); opt.step(); k+=1
        f.write(json.dumps(dict(epoch=ep,step=k,train_loss=round(l.item(),3),grad_norm=round(g,3)))+'\n')
