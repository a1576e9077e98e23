# DCGAN-ish on 16x16 synthetic blobs, lightning-like metrics.csv
import torch, torch.nn as nn, csv, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run/version_0', exist_ok=True)
yy,xx=torch.meshgrid(torch.arange(16.),torch.arange(16.),indexing='ij')
def real(n):
    c=4+8*torch.rand(n,2,2); s=1.2+1.5*torch.rand(n,2)
    im=sum(torch.exp(-((xx-c[:,i,0,None,None])**2+(yy-c[:,i,1,None,None])**2)/(2*s[:,i,None,None]**2)) for i in range(2))
    return (im.clamp(0,1)*2-1+.02*torch.randn_like(im)).unsqueeze(1)
G=nn.Sequential(nn.Linear(32,64*16),nn.Unflatten(1,(64,4,4)),nn.ReLU(),nn.ConvTranspose2d(64,32,4,2,1),nn.ReLU(),nn.ConvTranspose2d(32,1,4,2,1),nn.Tanh())
D=nn.Sequential(nn.Conv2d(1,32,4,2,1),nn.LeakyReLU(.2),nn.Conv2d(32,64,4,2,1),nn.LeakyReLU(.2),nn.Flatten(),nn.Linear(1024,1))
LG,LD=5e-6,2e-3
og=torch.optim.Adam(G.parameters(),LG,betas=(.5,.999)); od=torch.optim.Adam(D.parameters(),LD,betas=(.5,.999)); B=nn.functional.binary_cross_entropy_with_logits
open('run/version_0/hparams.yaml','w').write(f'b1: 0.5\nb2: 0.999\nbatch_size: 32\nlatent_dim: 32\nlr_d: {LD}\nlr_g: {LG}\n')
W=csv.writer(open('run/version_0/metrics.csv','w',newline='')); W.writerow(['d_acc_fake','d_acc_real','d_loss','epoch','g_loss','step'])
for k in range(1200):
    x=real(32); z=torch.randn(32,32); f=G(z)
    a,b=D(x),D(f.detach()); dl=(B(a,torch.ones_like(a))+B(b,torch.zeros_like(b)))/2; od.zero_grad(); dl.backward(); od.step()
    c=D(f); gl=B(c,torch.ones_like(c)); og.zero_grad(); gl.backward(); og.step()
    if k%10==9:
        W.writerow(['','','',k//250,gl.item(),k]); W.writerow([(b<0).float().mean().item(),(a>0).float().mean().item(),dl.item(),k//250,'',k])
