import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/metrics.csv','w');f.write('epoch,grad_norm,step,train_nll,val_nll\n')
D=16
def d(n):
    z=torch.randn(n,3);W=torch.linspace(-1,1,3*D).view(3,D);return (torch.sin(z@W*1.5)*.5+.03*torch.randn(n,D))
class C(nn.Module):
    def __init__(s,fl):
        super().__init__();s.fl=fl;s.n=nn.Sequential(nn.Linear(D//2,64),nn.ReLU(),nn.Linear(64,D));nn.init.zeros_(s.n[2].weight);nn.init.zeros_(s.n[2].bias)
    def forward(s,x):
        a,b=x.chunk(2,1);a,b=(b,a) if s.fl else (a,b);ls,t=s.n(a).chunk(2,1);ls=2*torch.tanh(ls);b=b*ls.exp()+t;return torch.cat([a,b],1),ls.sum(1)
m=nn.ModuleList([C(i%2) for i in range(6)]);sc=nn.Parameter(torch.zeros(D));o=torch.optim.Adam([*m.parameters(),sc],1e-3);V=d(512)
def nll(x):
    ld=0
    for c in m:x,l=c(x);ld=ld+l
    x=x*sc.exp();return (.5*(x**2).sum(1)+.919*D-ld-sc.sum()).mean()
for s in range(2000):
    l=nll(d(128));o.zero_grad();l.backward();gn=nn.utils.clip_grad_norm_([*m.parameters(),sc],100.).item();o.step()
    if s%10==9:f.write(f"{s//200},{gn},{s},{l.item()},\n")
    if s%200==199:
        with torch.no_grad():f.write(f"{s//200},,{s},,{nll(V).item()}\n")
