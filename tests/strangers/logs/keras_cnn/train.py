import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/training.csv','w');f.write('epoch,accuracy,loss,val_accuracy,val_loss\n')
g=torch.Generator().manual_seed(1);pro=torch.randn(10,1,12,12,generator=g)
def mkd(n):
    y=torch.randint(0,10,(n,),generator=g);return pro[y]+1.3*torch.randn(n,1,12,12,generator=g),y
X,Y=mkd(1500);VX,VY=mkd(500)
m=nn.Sequential(nn.Conv2d(1,8,3,padding=1),nn.ReLU(),nn.MaxPool2d(2),nn.Conv2d(8,16,3,padding=1),nn.ReLU(),nn.Flatten(),nn.Linear(576,64),nn.ReLU(),nn.Linear(64,10))
opt=torch.optim.Adam(m.parameters(),1e-3,weight_decay=1.0);ce=nn.CrossEntropyLoss()
for ep in range(80):
    p=torch.randperm(1500);a=t=0
    for k in range(0,1500,64):
        i=p[k:k+64];o=m(X[i]);l=ce(o,Y[i]);opt.zero_grad();l.backward();opt.step();t+=l.item()*len(i);a+=(o.argmax(1)==Y[i]).sum().item()
    with torch.no_grad():o=m(VX);f.write(f"{ep},{a/1500},{t/1500},{(o.argmax(1)==VY).float().mean().item()},{ce(o,VY).item()}\n")
print([p.norm().item() for p in m.parameters()])
