# Poisson regression rate=exp(f(x)) without clamp
from common import *
seed(10); d=out('e10_count_model'); L=CSV(d+'/train_metrics.csv',['step','epoch','nll','rate_term','count_term','max_log_rate','grad_norm','lr'])
X=torch.randn(8000,8); lam=torch.exp(1.2+.7*X[:,0]+.5*X[:,1]*X[:,2]); Y=torch.poisson(lam)
m=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); lr=float(os.environ.get('LR','0.006')); opt=torch.optim.SGD(m.parameters(),lr=lr,momentum=.9)
s=0
for ep in range(12):
    for i in torch.randperm(8000).split(40):
        f=m(X[i])[:,0]
        if FIX: r=F.softplus(f)+1e-4; lr_=r.log()
        else: r=f.exp(); lr_=f
        a=r.mean(); b=(Y[i]*lr_).mean(); loss=a-b
        opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step()
        L(step=s,epoch=ep,nll=loss.item(),rate_term=a.item(),count_term=b.item(),max_log_rate=lr_.max().item(),grad_norm=g,lr=lr)
        if s%100==0: print(s,loss.item(),g,lr_.max().item())
        s+=1
    if s>=1200: break
