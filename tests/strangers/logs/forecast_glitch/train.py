# load forecasting with SGD; one sensor glitch (x 3000) in a single window
import os,sys,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(31);FIX=os.environ.get("FIX");n=60000;t=torch.arange(n).float()
x=(t*.26).sin()+.5*(t*.037).sin()+.2*torch.randn(n);x[41234]=3000.
if FIX:x=x.clamp(-5,5)
net=nn.Sequential(nn.Linear(24,48),nn.ReLU(),nn.Linear(48,1));opt=torch.optim.SGD(net.parameters(),lr=.02,momentum=.9)
st=torch.cat([torch.randperm(6000)+6000*k for k in range(10)]).clamp(max=n-26);log=open(sys.argv[1]+"/stdout.log","w");s=0
B=32
for s in range(1800):
    i=st[s*B:s*B+B]
    if len(i)<B:break
    w=torch.stack([x[k:k+25] for k in i]);l=((net(w[:,:24])[:,0]-w[:,24])**2).mean();opt.zero_grad();l.backward();gn=nn.utils.get_total_norm([p.grad for p in net.parameters()]);opt.step()
    print(f"2024-03-11 INFO train: step={s} loss={l.item():.6f} gnorm={gn.item():.5g} lr=0.02",file=log)
print("VERIFY last",l.item(),"steps",s)
