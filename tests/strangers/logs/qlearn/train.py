import torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.manual_seed(0);w=SummaryWriter('run')
# offline data from a random walk on a continuous 2-d task, bootstrapping on the online net
N=4000;S=torch.randn(N,4);A=torch.randint(0,5,(N,));mv=torch.randn(5,4)*.6
S2=(S+mv[A]+.1*torch.randn(N,4)).clamp(-3,3);R=-(S2**2).mean(1)*.1+.3;D=(torch.rand(N)<.01).float()
q=nn.Sequential(nn.Linear(4,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,5));opt=torch.optim.Adam(q.parameters(),2e-4)
for s in range(1,6001):
    j=torch.randint(0,N,(64,))
    with torch.no_grad():t=R[j]+.99*(1-D[j])*q(S2[j]*1.0).max(1)[0]*1.0
    v=q(S[j]);qa=v.gather(1,A[j,None]).squeeze(1);l=(qa-t).pow(2).mean();opt.zero_grad();l.backward()
    gn=nn.utils.clip_grad_norm_(q.parameters(),1e9);opt.step()
    if s%20==0:w.add_scalar('losses/td_loss',l.item(),s);w.add_scalar('losses/q_values',qa.mean().item(),s);w.add_scalar('charts/grad_norm',gn.item(),s)
w.close();print(l.item(),qa.mean().item())
