# digits-like classification with a triangular cyclic learning rate
import torch, csv, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(43); os.makedirs('run',exist_ok=True)
P=torch.randn(10,3,64)*0.55; 
def batch(n): y=torch.randint(0,10,(n,)); return P[y,torch.randint(0,3,(n,))]+torch.randn(n,64),y
net=nn.Sequential(nn.Linear(64,256),nn.BatchNorm1d(256),nn.ReLU(),nn.Linear(256,128),nn.BatchNorm1d(128),nn.ReLU(),nn.Linear(128,10))
opt=torch.optim.SGD(net.parameters(),lr=0.01,momentum=0.9); sch=torch.optim.lr_scheduler.CyclicLR(opt,0.002,1.2,step_size_up=200,cycle_momentum=False)
f=open('run/log.csv','w',newline=''); w=csv.writer(f); w.writerow(['step','train_loss','learning_rate','grad_norm'])
for s in range(3600):
    x,y=batch(64); l=nn.functional.cross_entropy(net(x),y); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1e9); lr=sch.get_last_lr()[0]; opt.step(); sch.step()
    if s%4==0: w.writerow([s,round(l.item(),4),round(lr,6),round(g.item(),4)])
