# texture classification, MLP-conv, ReduceLROnPlateau on val accuracy; keras-like training.csv
import torch, torch.nn as nn, csv, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
C=12; fr=torch.rand(C,2)*2.2+.3; yy,xx=torch.meshgrid(torch.arange(16.),torch.arange(16.),indexing='ij')
def data(n):
    y=torch.randint(0,C,(n,)); ph=torch.rand(n,1,1)*6.28; f=fr[y]
    return (torch.sin(f[:,0,None,None]*xx+f[:,1,None,None]*yy+ph)+.7*torch.randn(n,16,16)).unsqueeze(1),y
X,Y=data(2000); VX,VY=data(500)
net=nn.Sequential(nn.Conv2d(1,24,5,2,2),nn.ReLU(),nn.Conv2d(24,32,3,2,1),nn.ReLU(),nn.AdaptiveAvgPool2d(2),nn.Flatten(),nn.Linear(128,C))
opt=torch.optim.SGD(net.parameters(),lr=.01,momentum=.9); sch=torch.optim.lr_scheduler.ReduceLROnPlateau(opt,factor=.1,patience=2)
W=csv.writer(open('run/training.csv','w',newline='')); W.writerow(['epoch','accuracy','loss','lr','val_accuracy','val_loss'])
for ep in range(100):
    L=A=0
    for b in torch.randperm(2000).split(50):
        o=net(X[b]); l=nn.functional.cross_entropy(o,Y[b]); opt.zero_grad(); l.backward(); opt.step(); L+=l.item()/40; A+=(o.argmax(1)==Y[b]).float().mean().item()/40
    with torch.no_grad(): o=net(VX); va=(o.argmax(1)==VY).float().mean().item(); vl=nn.functional.cross_entropy(o,VY).item()
    W.writerow([ep,A,L,opt.param_groups[0]['lr'],va,vl]); sch.step(va)
