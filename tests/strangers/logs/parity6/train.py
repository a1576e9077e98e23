# sparse parity (k=3 of 24), MLP: long plateau then drop
import torch, torch.nn as nn, json, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
net=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,1)); opt=torch.optim.SGD(net.parameters(),lr=.1,weight_decay=1e-4); f=open('run/metrics.jsonl','w')
for k in range(6000):
    x=(torch.randint(0,2,(64,24))*2-1.); y=(x[:,:3].prod(1)>0).float(); o=net(x)[:,0]; l=nn.functional.binary_cross_entropy_with_logits(o,y); opt.zero_grad(); l.backward(); opt.step()
    if k%10==0: f.write(json.dumps(dict(step=k,loss=round(l.item(),5),acc=((o>0)==(y>0)).float().mean().item()))+'\n')
