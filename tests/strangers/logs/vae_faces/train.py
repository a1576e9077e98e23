# VAE on 20x20 synthetic images; console log
import torch, torch.nn as nn, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
yy,xx=torch.meshgrid(torch.linspace(-1,1,20),torch.linspace(-1,1,20),indexing='ij')
def data(n):
    p=torch.randn(n,4,1,1)*.3
    return torch.sigmoid(12*(.5+.2*p[:,2]-((xx-p[:,0])**2*(1+p[:,3])+(yy-p[:,1])**2).clamp(min=0).sqrt())).flatten(1)
X=data(6400); E=nn.Sequential(nn.Linear(400,128),nn.ReLU(),nn.Linear(128,16)); D=nn.Sequential(nn.Linear(8,128),nn.ReLU(),nn.Linear(128,400))
opt=torch.optim.Adam([*E.parameters(),*D.parameters()],lr=1e-3); f=open('run/log.txt','w')
for ep in range(1,31):
    tot=n=0
    for i,b in enumerate(torch.randperm(6400).split(64)):
        mu,lv=E(X[b]).chunk(2,1); z=mu+torch.randn_like(mu)*(lv/2).exp(); o=D(z)
        rec=nn.functional.binary_cross_entropy_with_logits(o,X[b],reduction='sum')/64
        kl=.5*(1+lv-mu**2-lv.exp()).sum()/64
        loss=rec+kl; opt.zero_grad(); loss.backward(); opt.step(); tot+=loss.item(); n+=1
        if i%20==0: print(f'Train Epoch: {ep} [{i*64}/6400 ({i}%)]\tLoss: {loss.item():.4f}  recon: {rec.item():.4f}  kl: {kl.item():.4f}',file=f)
    print(f'====> Epoch: {ep} Average loss: {tot/n:.4f}',file=f)
