import sys,copy,torch,torch.nn as nn,torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(11);w=SummaryWriter(sys.argv[1]);W=torch.randn(8,60);mu=torch.randn(10,8)*1.6
def batch(n):
    y=torch.randint(10,(n,));z=mu[y]+.4*torch.randn(n,8);v=lambda:(z@W)/3+.9*torch.randn(n,60)*1.6;return v(),v(),y
net=nn.Sequential(nn.Linear(60,96),nn.BatchNorm1d(96),nn.ReLU(),nn.Linear(96,24));pr=nn.Sequential(nn.Linear(24,48),nn.BatchNorm1d(48),nn.ReLU(),nn.Linear(48,24));net[-1].weight.data.mul_(.1);tg=copy.deepcopy(net);opt=torch.optim.Adam([*net.parameters(),*pr.parameters()],lr=2e-3)
def probe():
    net.eval();x,_,y=batch(600)
    with torch.no_grad():h=F.normalize(net(x)[:, :],dim=1)
    net.train();a,b=h[:400],h[400:];k=(b@a.T).topk(5,1).indices;return (y[:400][k].mode(1).values==y[400:]).float().mean().item(),h.std(0).mean().item()
p0=probe()
for s in range(1000):
    a,b,_=batch(128)
    with torch.no_grad():ta,tb=tg(a),tg(b)
    fa,fb=net(a),net(b);pl=F.mse_loss(pr(fa),tb)+F.mse_loss(pr(fb),ta);l=pl+2*(1-fa.std(0)).relu().mean()+2*(1-fb.std(0)).relu().mean();opt.zero_grad();l.backward();opt.step();m=min(.9+s/4000,.995)
    for p,q in zip(tg.parameters(),net.parameters()):p.data.mul_(m).add_(q.data,alpha=1-m)
    w.add_scalar("train/jepa_loss",pl.item(),s);w.add_scalar("ssl/target_std",ta.std(0).mean().item(),s);w.add_scalar("ssl/momentum",m,s)
w.close();print("VERIFY",p0,probe(),l.item(),pl.item())
