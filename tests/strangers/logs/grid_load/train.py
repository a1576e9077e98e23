# hourly load forecasting, trained online in time order (no shuffling), Adam beta2=.9999
import torch, torch.nn as nn, json, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
LR=float(os.environ.get('LR',5e-3)); B2=float(os.environ.get('B2',.9999)); SC=float(os.environ.get('SC',3))
n=2300; M=16; t=torch.arange((n+2)*M+60.)
amp=1+(SC-1)*((t-2000*M)/(40*M)).clamp(0,1)     # winter: load swings get larger
s=amp*(torch.sin(t*6.2832/24)+.4*torch.sin(t*6.2832/12+1)+.25*torch.sin(t*6.2832/168))+.01*torch.randn(len(t))
net=nn.Sequential(nn.Linear(48,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,6))
opt=torch.optim.Adam(net.parameters(),lr=LR,betas=(.9,B2)); f=open('run/log.jsonl','w')
for k in range(n):
    i=k*M; x=torch.stack([s[i+j:i+j+48] for j in range(M)]); y=torch.stack([s[i+j+48:i+j+54] for j in range(M)])
    l=((net(x)-y)**2).mean(); opt.zero_grad(); l.backward(); g=torch.nn.utils.get_total_norm([p.grad for p in net.parameters()])
    old=[p.detach().clone() for p in net.parameters()] if os.environ.get('DBG') else None
    opt.step()
    if old and (k%200==0 or 2000<k<2100 and k%5==0): print(k,l.item(),float(g),'upd/lr max',max(float((a-b).abs().max()) for a,b in zip(old,net.parameters()))/LR)
    f.write(json.dumps(dict(step=k,train_loss=round(l.item(),7),grad_norm=round(float(g),6),lr=LR))+'\n')
