# VAE, beta annealed 0 -> 1 over the first epochs, batch 16; console log
import torch, torch.nn as nn, os, math
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
yy,xx=torch.meshgrid(torch.linspace(-1,1,14),torch.linspace(-1,1,14),indexing='ij')
p=torch.randn(3200,6,1,1)*.4; X=(torch.exp(-6*((xx-p[:,0])**2+(yy-p[:,1])**2))-torch.exp(-6*((xx-p[:,2])**2+(yy-p[:,3])**2))+p[:,4]*xx+p[:,5]*yy).flatten(1); X=X+.1*torch.randn_like(X)
E=nn.Sequential(nn.Linear(196,128),nn.ReLU(),nn.Linear(128,24)); D=nn.Sequential(nn.Linear(12,128),nn.ReLU(),nn.Linear(128,196)); ls=torch.tensor(math.log(.3))
opt=torch.optim.Adam([*E.parameters(),*D.parameters()],lr=1e-3); f=open('run/log.txt','w'); st=0; TOT=12*200
for ep in range(1,13):
    for i,b in enumerate(torch.randperm(3200).split(16)):
        be=min(1,max(0,(st-600)/900)); mu,lv=E(X[b]).chunk(2,1); o=D(mu+torch.randn_like(mu)*(lv/2).exp()); rec=(.5*((o-X[b])/ls.exp())**2+ls).sum(1).mean(); kl=-.5*(1+lv-mu**2-lv.exp()).sum(1).mean(); l=rec+be*kl
        opt.zero_grad(); l.backward(); opt.step(); st+=1
        if st%10==0: print(f'[{st}/{TOT}] epoch {ep} loss {l.item():.3f} (nll {rec.item():.3f} kl {kl.item():.3f} beta {be:.3f})',file=f)
