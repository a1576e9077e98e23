# streamed table, one column has an unparsed value (NaN) in one late row
import os,sys,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(9);FIX=os.environ.get("FIX");N=1500*64
X=torch.randn(N,18);y=X[:,:3].sum(1)*X[:,4].sigmoid()+.3*torch.randn(N);X[1187*64+20,7]=float("nan")
if FIX:X=torch.nan_to_num(X)
net=nn.Sequential(nn.Linear(18,64),nn.SiLU(),nn.Linear(64,64),nn.SiLU(),nn.Linear(64,1));opt=torch.optim.AdamW(net.parameters(),lr=1e-3);sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,1500)
import csv;w=csv.writer(open(sys.argv[1]+"/metrics.csv","w"));w.writerow(["global_step","train/loss","train/grad_norm","train/lr"])
for s in range(1500):
    j=slice(s*64,s*64+64);l=((net(X[j])[:,0]-y[j])**2).mean();opt.zero_grad();l.backward();g=nn.utils.clip_grad_norm_(net.parameters(),5.);lr=sch.get_last_lr()[0];opt.step();sch.step()
    w.writerow([s,l.item(),g.item(),lr])
print("VERIFY last",l.item())
