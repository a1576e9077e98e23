# VAE, gaussian decoder with learned variance per pixel
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1); torch.manual_seed(2)
g=torch.linspace(-1,1,16); yy,xx=torch.meshgrid(g,g,indexing='ij')
def batch(n):
    cx,cy=torch.rand(2,n,1,1)*0.8-0.4; r=torch.rand(n,1,1)*0.25+0.15
    im=torch.exp(-(((xx-cx)**2+(yy-cy)**2)/r**2)); im=(im*255).round()/255
    im[:,:2]=0; im[:,-2:]=0; im[:,:,:2]=0; im[:,:,-2:]=0
    return im.flatten(1)
class V(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Sequential(nn.Linear(256,256),nn.ReLU(),nn.Linear(256,16)); s.d=nn.Sequential(nn.Linear(8,256),nn.ReLU(),nn.Linear(256,512))
    def forward(s,x):
        m,lv=s.e(x).chunk(2,1); z=m+torch.randn_like(m)*(lv/2).exp(); mu,ls=s.d(z).chunk(2,1); return m,lv,mu,ls
net=V(); opt=torch.optim.Adam(net.parameters(),1e-3); w=SummaryWriter('run')
for s in range(9000):
    x=batch(128); m,lv,mu,ls=net(x)
    rec=(0.5*((x-mu)/ls.exp())**2+ls).sum(1).mean(); kl=-0.5*(1+lv-m**2-lv.exp()).sum(1).mean(); l=rec+kl
    opt.zero_grad(); l.backward(); opt.step()
    if s%10==0: w.add_scalar('train/loss',l.item(),s); w.add_scalar('train/recon',rec.item(),s); w.add_scalar('train/kl',kl.item(),s)
    if s%200==0: print(s,l.item(),ls.min().item())
w.close()
