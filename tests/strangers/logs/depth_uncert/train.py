# 1-D depth regression with predicted log-variance; synthetic renders, lightning-like csv
import torch, torch.nn as nn, csv, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
net=nn.Sequential(nn.Linear(20,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,2)); w=torch.randn(20,1)/4.5
N=4000; X=torch.randn(N,20); Y=torch.relu(X@w)*2            # half of the pixels are exactly 0 depth (sky)
opt=torch.optim.Adam(net.parameters(),lr=3e-3); W=csv.writer(open('run/metrics.csv','w',newline='')); W.writerow(['epoch','step','train/nll','train/rmse','val/nll'])
VX=torch.randn(500,20); VY=torch.relu(VX@w)*2; st=0
def nll(x,y): mu,s=net(x).chunk(2,1); mu=mu.relu(); var=s.exp(); return .5*(((y-mu)**2)/var+var.log()).mean(), ((y-mu)**2).mean().sqrt()
for ep in range(40):
    for b in torch.randperm(N).split(200):
        l,r=nll(X[b],Y[b]); opt.zero_grad(); l.backward()
        if os.environ.get('DBG') and (not l.isfinite() or any(not p.grad.isfinite().all() for p in net.parameters())): mu,s=net(X[b]).chunk(2,1); print(ep,st,l.item(),'s',s.min().item(),s.max().item(),'mu',mu.max().item(),[p.grad.isfinite().all().item() for p in net.parameters()]); raise SystemExit
        opt.step()
        if st%10==0: W.writerow([ep,st,l.item(),r.item(),''])
        st+=1
    with torch.no_grad(): W.writerow([ep,st-1,'','',nll(VX,VY)[0].item()])
