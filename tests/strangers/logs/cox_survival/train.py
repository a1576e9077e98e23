# Cox partial likelihood with exp / cumsum / log written by hand; times are a noise-free function of the covariates, so risk scores keep growing
import os,sys,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(33);FIX=os.environ.get("FIX");n=300;X=torch.randn(n,8)*3;h=X[:,0]+X[:,1]*.6;E=torch.rand(n)<.7;o=h.argsort();X,E=X[o],E[o].float()
net=nn.Sequential(nn.Linear(8,16),nn.ReLU(),nn.Linear(16,1));opt=torch.optim.SGD(net.parameters(),lr=.02,momentum=.9);log=open(sys.argv[1]+"/cox.log","w")
for ep in range(1200):
    r=net(X)[:,0];lse=torch.logcumsumexp(r,0) if FIX else r.exp().cumsum(0).log()
    l=-((r-lse)*E).sum()/E.sum();opt.zero_grad();l.backward();opt.step();print(f"Epoch {ep+1}/1200 - neg_partial_loglik: {l.item():.5f}",file=log)
    if ep%300==0:print(ep,l.item(),r.max().item())
print("VERIFY last",l.item(),r.max().item())
