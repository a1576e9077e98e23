# RealNVP density model, nll crosses zero; lightning metrics.csv
import torch, torch.nn as nn, csv, os, math
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run/version_2', exist_ok=True); d=6
def data(n): t=torch.rand(n,1)*math.pi; z=torch.cat([t.cos(),t.sin(),(2*t).cos()*.5,t/3,.3*t.sin()*t.cos(),t*0],1); return z+.05*torch.randn(n,d)
net=nn.ModuleList([nn.Sequential(nn.Linear(3,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,6)) for _ in range(6)])
def nll(x):
    ld=0
    for i,m in enumerate(net):
        a,b=x[:,:3],x[:,3:]; s,t=m(a).chunk(2,1); s=2*torch.tanh(s/2); b=b*s.exp()+t; ld=ld+s.sum(1); x=torch.cat([b,a],1)
    return (.5*(x**2).sum(1)+d/2*math.log(2*math.pi)-ld).mean()
opt=torch.optim.AdamW(net.parameters(),lr=1e-3); X=data(8000); V=data(1000); W=csv.writer(open('run/version_2/metrics.csv','w',newline='')); W.writerow(['epoch','lr-AdamW','step','train_nll_epoch','train_nll_step','val_nll']); st=0
for ep in range(30):
    T=0
    for b in torch.randperm(8000).split(200):
        l=nll(X[b]); opt.zero_grad(); l.backward(); nn.utils.clip_grad_norm_(net.parameters(),10.); opt.step(); T+=l.item()/40
        if st%10==9: W.writerow(['',1e-3,st,'','','']); W.writerow([ep,'',st,'',l.item(),''])
        st+=1
    with torch.no_grad(): W.writerow([ep,'',st-1,'','',nll(V).item()]); W.writerow([ep,'',st-1,T,'',''])
