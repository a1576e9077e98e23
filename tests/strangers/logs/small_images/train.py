# ReLU net, too high lr in Adam kills all units in the first epochs: constant output. Keras-like history
from common import *
NZ=float(os.environ.get('NZ','130')); seed(12); d=out('e12_small_images'); L=CSV(d+'/history.csv',['epoch','accuracy','loss','val_accuracy','val_loss'])
C=torch.rand(5,100)*255; X=(C.repeat(400,1)+NZ*torch.randn(2000,100)).clamp(0,255)/255; Y=torch.arange(5).repeat(400); Xv=(C.repeat(80,1)+NZ*torch.randn(400,100)).clamp(0,255)/255; Yv=torch.arange(5).repeat(80)
m=nn.Sequential(nn.Linear(100,32),nn.ReLU(),nn.Linear(32,32),nn.ReLU(),nn.Linear(32,32),nn.ReLU(),nn.Linear(32,5)); opt=torch.optim.SGD(m.parameters(),lr=float(os.environ.get('LR','.05' if FIX else '.15')),momentum=.9)
for ep in range(80):
    tl=ta=0
    for i in torch.randperm(2000).split(50):
        o=m(X[i]); l=F.cross_entropy(o,Y[i]); opt.zero_grad(); l.backward(); opt.step(); tl+=l.item()/40; ta+=(o.argmax(1)==Y[i]).float().mean().item()/40
    with torch.no_grad(): o=m(Xv); h=m[:6](Xv)
    L(epoch=ep,accuracy=round(ta,4),loss=tl,val_accuracy=(o.argmax(1)==Yv).float().mean().item(),val_loss=F.cross_entropy(o,Yv).item())
    if ep%5==0 or ep<12: print(ep,tl,ta,'dead',(h.max(0).values<=0).float().mean().item())
