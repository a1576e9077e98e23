# heavy-tailed target noise (Student t, 1.3 d.o.f.), clipped gradients; gnorm is the norm before clipping
from common import *
seed(106); d=out('k06_heavy_tails'); L=TXT(d+'/run.log'); L("# clip_grad_norm=1.0 batch=16 optimizer=sgd momentum=0.9")
X=torch.randn(20000,10); f=torch.sin(X[:,:1])*2+X[:,1:2]*X[:,2:3]; Y=f+.3*torch.distributions.StudentT(1.3).sample((20000,1))
m=nn.Sequential(nn.Linear(10,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.SGD(m.parameters(),lr=5e-3,momentum=.9)
for s in range(1,2401):
    i=torch.randint(0,20000,(16,)); l=F.mse_loss(m(X[i]),Y[i]); opt.zero_grad(); l.backward(); g=torch.nn.utils.clip_grad_norm_(m.parameters(),1.).item()
    for p in opt.param_groups: p['lr']=5e-3*(1-s/2500)
    opt.step()
    if s%3==0: L(f"it {s:>5d}  loss {l.item():>10.4f}  gnorm {g:>9.3f}  lr {opt.param_groups[0]['lr']:.2e}")
    if s%200==0: print(s,l.item(),g,'true mse',F.mse_loss(m(X[:4000]),f[:4000]).item(),'median abs',(m(X[:4000])-Y[:4000]).abs().median().item())
