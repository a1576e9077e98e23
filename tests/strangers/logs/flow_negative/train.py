import sys,csv,math,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(8);D=6;B=torch.randn(2,D)
def data(n):return (torch.randn(n,2)@B).sin()+.01*torch.randn(n,D)
class C(nn.Module):
    def __init__(s,f):super().__init__();s.f=f;s.n=nn.Sequential(nn.Linear(3,48),nn.ReLU(),nn.Linear(48,6))
    def forward(s,x):
        a,b=x.chunk(2,1)
        if s.f:a,b=b,a
        h=s.n(a);ls=2.5*h[:,:3].tanh();return torch.cat([a,b*ls.exp()+h[:,3:]],1),ls.sum(1)
ms=nn.ModuleList([C(i%2) for i in range(6)]);opt=torch.optim.Adam(ms.parameters(),lr=1e-3);sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,1500,1e-5);w=csv.writer(open(sys.argv[1]+"/metrics.csv","w"));w.writerow(["iter","nll","grad_norm","lr"])
for i in range(1500):
    x=data(256);ld=0
    for c in ms:x,l=c(x);ld=ld+l
    loss=(.5*(x**2).sum(1)+D/2*math.log(2*math.pi)-ld).mean();opt.zero_grad();loss.backward();g=nn.utils.clip_grad_norm_(ms.parameters(),50.);lr=opt.param_groups[0]["lr"];opt.step();sch.step()
    if i%5==0:w.writerow([i,loss.item(),g.item(),lr])
    if i==0:print(loss.item(),g.item())
print("VERIFY",loss.item(),g.item())
