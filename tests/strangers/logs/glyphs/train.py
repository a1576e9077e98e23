# small classifier, SGD(maximize=True) left over from another project: ascends the loss
from common import *
seed(4); d=out('e04_glyphs'); L=TXT(d+'/train.log')
C=torch.randn(10,64); X=C.repeat(600,1)+1.1*torch.randn(6000,64); Y=torch.arange(10).repeat(600)
m=nn.Sequential(nn.Linear(64,64),nn.ReLU(),nn.Linear(64,10)); opt=torch.optim.SGD(m.parameters(),lr=3e-3,maximize=not FIX)
L("[INFO] device=cpu params=4810 batch=100 optimizer=SGD lr=0.003"); s=0
for ep in range(1,9):
    for i in torch.randperm(6000).split(100):
        o=m(X[i]); loss=F.cross_entropy(o,Y[i]); opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step(); s+=1
        acc=(o.argmax(1)==Y[i]).float().mean().item()
        if s%5==0: L(f"epoch {ep} | step {s:4d} | loss {loss.item():.4g} | acc {acc:.3f} | lr 3.0e-03 | gnorm {g:.3g}")
        if s%60==0: print(s,loss.item(),acc,g)
L("[INFO] done")
