# GAN on 8 gaussians, keras-like csv per epoch
import torch, torch.nn as nn, csv, os, math
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
def real(n): a=torch.randint(0,8,(n,))*math.pi/4; return torch.stack([a.cos(),a.sin()],1)*2+.1*torch.randn(n,2)
G=nn.Sequential(nn.Linear(16,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,2)); D=nn.Sequential(nn.Linear(2,128),nn.LeakyReLU(.2),nn.Linear(128,128),nn.LeakyReLU(.2),nn.Linear(128,1))
og=torch.optim.Adam(G.parameters(),5e-4,betas=(.5,.999)); od=torch.optim.Adam(D.parameters(),5e-4,betas=(.5,.999)); B=nn.functional.binary_cross_entropy_with_logits
W=csv.writer(open('run/training.csv','w',newline='')); W.writerow(['epoch','d_accuracy','d_loss','g_loss'])
for ep in range(200):
    s=[0,0,0]
    for _ in range(30):
        x=real(128); z=G(torch.randn(128,16)); a,b=D(x),D(z.detach()); dl=(B(a,torch.ones_like(a))+B(b,torch.zeros_like(b)))/2; od.zero_grad(); dl.backward(); od.step()
        c=D(z); gl=B(c,torch.ones_like(c)); og.zero_grad(); gl.backward(); og.step(); s[0]+=((a>0).float().mean()+(b<0).float().mean()).item()/60; s[1]+=dl.item()/30; s[2]+=gl.item()/30
    W.writerow([ep]+s)
with torch.no_grad():
    z=G(torch.randn(2000,16)); m=torch.cdist(z,torch.stack([torch.arange(8)*math.pi/4]*1,1).cos().expand(8,1).repeat(1,2)*0+2*torch.stack([(torch.arange(8)*math.pi/4).cos(),(torch.arange(8)*math.pi/4).sin()],1)); print('near a mode',(m.min(1)[0]<.35).float().mean().item(),'modes',m.argmin(1).bincount(minlength=8).tolist())
