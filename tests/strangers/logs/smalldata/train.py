import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/history.csv','w');f.write('epoch,accuracy,loss,lr,val_accuracy,val_loss\n')
pro=torch.randn(8,30)*.45
def d(n):
    y=torch.randint(0,8,(n,));return pro[y]+torch.randn(n,30),y
X,Y=d(400);VX,VY=d(1000);m=nn.Sequential(nn.Linear(30,256),nn.ReLU(),nn.Linear(256,256),nn.ReLU(),nn.Linear(256,8));o=torch.optim.Adam(m.parameters(),1e-3);ce=nn.CrossEntropyLoss()
for e in range(120):
    p=torch.randperm(400);t=a=0
    for k in range(0,400,32):
        i=p[k:k+32];q=m(X[i]);l=ce(q,Y[i]);o.zero_grad();l.backward();o.step();t+=l.item()*len(i);a+=(q.argmax(1)==Y[i]).sum().item()
    with torch.no_grad():q=m(VX);f.write(f"{e},{a/400},{t/400},0.001,{(q.argmax(1)==VY).float().mean().item()},{ce(q,VY).item()}\n")
