# GAN on a 2-D ring
from common import *
from torch.utils.tensorboard import SummaryWriter
seed(102); d=out('k02_ring_gan'); w=SummaryWriter(d)
def real(n): a=2*math.pi*torch.rand(n); return torch.stack([a.cos(),a.sin()],1)*(2+.1*torch.randn(n,1))
G=nn.Sequential(nn.Linear(8,64),nn.LeakyReLU(.2),nn.Linear(64,64),nn.LeakyReLU(.2),nn.Linear(64,2)); D=nn.Sequential(nn.Linear(2,64),nn.LeakyReLU(.2),nn.Linear(64,64),nn.LeakyReLU(.2),nn.Linear(64,1))
og=torch.optim.Adam(G.parameters(),lr=1e-3,betas=(.5,.99)); od=torch.optim.Adam(D.parameters(),lr=1e-3,betas=(.5,.99))
for s in range(3000):
    x=real(128); z=torch.randn(128,8); y=G(z); a=D(x); b=D(y.detach()); ld=F.softplus(-a).mean()+F.softplus(b).mean()
    od.zero_grad(); ld.backward(); gd=gnorm(D); od.step()
    lg=F.softplus(-D(G(torch.randn(128,8)))).mean(); og.zero_grad(); lg.backward(); gg=gnorm(G); og.step()
    if s%5==0:
        for k,v in dict(d_loss=ld.item(),g_loss=lg.item(),d_real=torch.sigmoid(a).mean().item(),d_fake=torch.sigmoid(b).mean().item(),d_grad_norm=gd,g_grad_norm=gg).items(): w.add_scalar('gan/'+k,v,s)
    if s%300==0 or s==2999: r=y.detach().norm(dim=1); q=torch.histc(torch.atan2(y[:,1],y[:,0]).detach(),8); print(s,ld.item(),lg.item(),'radius',r.mean().item(),r.std().item(),'min sector',q.min().item())
w.close()
