# small CNN on synthetic shapes
import torch, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(31); os.makedirs('run',exist_ok=True)
K=10; P=torch.randn(K,3,20,20)
def batch(n): y=torch.randint(0,K,(n,)); return P[y]*0.7+torch.randn(n,3,20,20),y
net=nn.Sequential(nn.Conv2d(3,24,3,padding=1),nn.ReLU(),nn.MaxPool2d(2),nn.Conv2d(24,48,3,padding=1),nn.ReLU(),nn.MaxPool2d(2),nn.Flatten(),nn.Linear(48*25,128),nn.ReLU(),nn.Linear(128,K))
lr=LR=0.35; opt=torch.optim.SGD(net.parameters(),lr=lr,momentum=0.9,weight_decay=5e-4); f=open('run/train.log','w')
print('==> Preparing data..\n==> Building model..',file=f)
for ep in range(6):
    c=n=0
    for b in range(100):
        x,y=batch(32); o=net(x); l=nn.functional.cross_entropy(o,y); opt.zero_grad(); l.backward(); opt.step(); c+=(o.argmax(1)==y).sum().item(); n+=32
        if b%5==0: print(f'Epoch {ep} [{b}/100] loss: {l.item():.4f} acc: {100*c/n:.2f}% lr: {lr:g}',file=f)
