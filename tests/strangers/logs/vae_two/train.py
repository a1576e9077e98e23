# VAE with KL annealing; Lightning metrics.csv
from common import *
import yaml
seed(104); d=out('k04_vae/version_3'); L=CSV(d+'/metrics.csv',['beta','epoch','grad_norm','step','train/kl','train/loss','train/recon','val/elbo'])
yaml.safe_dump(dict(latent_dim=4,lr=.001,batch_size=100,kl_warmup=[300,1000],beta_max=1.0),open(d+'/hparams.yaml','w'))
t=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,40)); 
for p in t.parameters(): p.data*=2
with torch.no_grad(): X=t(torch.randn(6000,4))+.3*torch.randn(6000,40); Xv=X[5500:];X=X[:5500]
E=nn.Sequential(nn.Linear(40,64),nn.ReLU(),nn.Linear(64,8)); Dc=nn.Sequential(nn.Linear(4,64),nn.ReLU(),nn.Linear(64,40)); P=nn.ModuleList([E,Dc]); opt=torch.optim.Adam(P.parameters(),lr=1e-3)
def terms(x): mu,lv=E(x).chunk(2,1); z=mu+torch.randn_like(mu)*(lv/2).exp(); return ((Dc(z)-x)**2).sum(1).mean()/(2*.3**2),.5*(mu**2+lv.exp()-lv-1).sum(1).mean()
s=0
for ep in range(30):
    for i in torch.randperm(5500).split(100):
        r,k=terms(X[i]); b=min(1,max(0,(s-300)/700)); l=r+b*k; opt.zero_grad(); l.backward(); g=gnorm(P); opt.step()
        if s%5==4: L(beta=b,epoch=ep,grad_norm=g,step=s,**{'train/kl':k.item(),'train/loss':l.item(),'train/recon':r.item()})
        if s%100==0: print(s,b,r.item(),k.item(),l.item(),g)
        s+=1
    with torch.no_grad(): r,k=terms(Xv)
    L(epoch=ep,step=s-1,**{'val/elbo':-(r+k).item()})
