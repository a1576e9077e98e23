# neural field of an "image"; weights drawn with randn (no fan-in scaling)
import os,sys,torch,torch.nn as nn,csv
torch.set_num_threads(1);torch.manual_seed(29);FIX=os.environ.get("FIX");B=torch.randn(2,16)*2
net=nn.Sequential(nn.Linear(32,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,3))
if not FIX:
    for p in net.parameters():nn.init.normal_(p,0,1)
opt=torch.optim.Adam(net.parameters(),lr=1e-3);w=csv.writer(open(sys.argv[1]+"/train_psnr.csv","w"));w.writerow(["iter","mse","psnr","lr","grad_norm"])
for s in range(1500):
    u=torch.rand(256,2);t=torch.stack([(7*u[:,0]).sin()*.5+.5,u.prod(1),((u-.5).norm(dim=1)<.3).float()],1);h=6.28*u@B
    l=((net(torch.cat([h.sin(),h.cos()],1))-t)**2).mean();opt.zero_grad();l.backward();g=nn.utils.get_total_norm([p.grad for p in net.parameters()]);opt.step()
    if s%5==0:w.writerow([s,l.item(),(-10*l.log10()).item(),1e-3,g.item()])
print("VERIFY last",l.item())
