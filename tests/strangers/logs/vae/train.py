import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/losses.csv','w');f.write('iteration,total,recon,kl,beta\n')
A=torch.randn(5,40)
def b(n):return torch.tanh(torch.randn(n,5)@A*.5)+.1*torch.randn(n,40)
E=nn.Sequential(nn.Linear(40,96),nn.ReLU(),nn.Linear(96,20));D=nn.Sequential(nn.Linear(10,96),nn.ReLU(),nn.Linear(96,40));o=torch.optim.Adam([*E.parameters(),*D.parameters()],1e-3)
for s in range(3000):
    be=min(1.,max(0.,((s%1000)-100)/500))*1.0   # cyclical annealing
    x=b(64);mu,lv=E(x).chunk(2,1);z=mu+torch.randn_like(mu)*(lv/2).exp();rc=((D(z)-x)**2).sum(1).mean()/.1;kl=.5*(mu**2+lv.exp()-1-lv).sum(1).mean();l=rc+be*4*kl
    o.zero_grad();l.backward();o.step()
    if s%10==0:f.write(f"{s},{l.item():.4f},{rc.item():.4f},{kl.item():.4f},{be*4:.3f}\n")
