# Gaussian density regression, negative log-likelihood falls below zero; gradient norm rises as sigma shrinks
from common import *
seed(108); d=out('k08_density_head')
X=torch.rand(6000,4)*2-1
def f(X): return torch.stack([torch.sin(2*X[:,0])*X[:,1],X[:,2]*X[:,3],X[:,0]*.5+X[:,3]**2,torch.cos(2*X[:,1]),X[:,2]],1)
Y=f(X)+.01*torch.randn(6000,5); Xv=torch.rand(1000,4)*2-1; Yv=f(Xv)+.01*torch.randn(1000,5)
m=nn.Sequential(nn.Linear(4,64),nn.SiLU(),nn.Linear(64,64),nn.SiLU(),nn.Linear(64,10)); opt=torch.optim.AdamW(m.parameters(),lr=2e-3)
def nll(x,y): mu,ls=m(x).chunk(2,1); ls=ls.clamp(-6,3); return (.5*((y-mu)/ls.exp())**2+ls+.919).sum(1).mean()
H=[];T=2500;al=[];ag=[]
for s in range(1,T+1):
    lr=2e-3*min(1,s/100)*(1-s/(T+1)); opt.param_groups[0]['lr']=lr; i=torch.randint(0,6000,(128,)); l=nll(X[i],Y[i]); opt.zero_grad(); l.backward(); g=gnorm(m); torch.nn.utils.clip_grad_norm_(m.parameters(),5.); opt.step(); al.append(l.item())
    if s%10==0: H.append(dict(epoch=round(s*128/6000,2),grad_norm=round(g,5),learning_rate=lr,loss=round(float(np.mean(al)),4),step=s)); al=[]
    if s%250==0:
        with torch.no_grad(): v=nll(Xv,Yv).item()
        H.append(dict(epoch=round(s*128/6000,2),eval_loss=v,eval_runtime=.01,step=s)); print(s,l.item(),g,v)
json.dump(dict(best_metric=None,epoch=T*128/6000,eval_steps=250,global_step=T,log_history=H,logging_steps=10,max_steps=T,train_batch_size=128),open(d+'/trainer_state.json','w'),indent=2)
