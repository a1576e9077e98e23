import os,sys,math,torch,torch.nn as nn,torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(2);w=SummaryWriter(sys.argv[1])
G=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2));D=nn.Sequential(nn.Linear(2,64),nn.LeakyReLU(.2),nn.Linear(64,64),nn.LeakyReLU(.2),nn.Linear(64,1))
og=torch.optim.Adam(G.parameters(),lr=5e-4,betas=(.5,.999));od=torch.optim.Adam(D.parameters(),lr=5e-4,betas=(.5,.999))
def real(n):
    t=torch.randint(0,6,(n,))*math.pi/3;return torch.stack([t.cos(),t.sin()],1)*1.5+.1*torch.randn(n,2)
def rep():
    s=G(torch.randn(2000,8)).detach();k=((torch.atan2(s[:,1],s[:,0])/(math.pi/3)).round()%6);return s.norm(dim=1).mean().item(),s.norm(dim=1).std().item(),[int((k==i).sum()) for i in range(6)]
a=rep()
for i in range(2500):
    x=real(128).requires_grad_();z=G(torch.randn(128,8)).detach();dx=D(x);r1=torch.autograd.grad(dx.sum(),x,create_graph=True)[0].pow(2).sum(1).mean();dl=F.softplus(D(z)).mean()+F.softplus(-dx).mean()+.1*r1;od.zero_grad();dl.backward();od.step()
    gl=F.softplus(-D(G(torch.randn(128,8)))).mean();og.zero_grad();gl.backward();og.step()
    if i%5==0:w.add_scalar("Loss/D",dl.item(),i);w.add_scalar("Loss/G",gl.item(),i);w.add_scalar("Loss/r1_penalty",r1.item(),i)
w.close();print("VERIFY",a,rep())
