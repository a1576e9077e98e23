# overfitting: Keras history
from common import *
seed(105); d=out('k05_small_text_cls'); L=CSV(d+'/training_log.csv',['epoch','acc','loss','lr','val_acc','val_loss'])
wv=torch.zeros(300); wv[:60]=torch.randn(60)*1.2
def data(n): x=(torch.rand(n,300)<.1).float(); y=((x@wv+.8*torch.randn(n))>0).float(); return x,y
X,Y=data(500); Xv,Yv=data(1000)
m=nn.Sequential(nn.Linear(300,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.Adam(m.parameters(),lr=1e-3)
for ep in range(90):
    tl=ta=0
    for i in torch.randperm(500).split(25):
        o=m(X[i])[:,0]; l=F.binary_cross_entropy_with_logits(o,Y[i]); opt.zero_grad(); l.backward(); opt.step(); tl+=l.item()/20; ta+=((o>0)==(Y[i]>0)).float().mean().item()/20
    with torch.no_grad(): o=m(Xv)[:,0]
    L(epoch=ep,acc=ta,loss=tl,lr=.001,val_acc=((o>0)==(Yv>0)).float().mean().item(),val_loss=F.binary_cross_entropy_with_logits(o,Yv).item())
    if ep%10==0: print(ep,tl,ta,F.binary_cross_entropy_with_logits(o,Yv).item(),((o>0)==(Yv>0)).float().mean().item())
