# GAN on 24-d curves; discriminator lr 200x the generator's, no regularisation on D
import os,sys,json,math,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(4);FIX=os.environ.get("FIX");tt=torch.linspace(0,1,24)
def real(n):return torch.sin(6.28*(tt*(1+torch.rand(n,1))+torch.rand(n,1)))*(.7+.6*torch.rand(n,1))
G=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,24));D=nn.Sequential(nn.Linear(24,96),nn.LeakyReLU(.2),nn.Linear(96,96),nn.LeakyReLU(.2),nn.Linear(96,1))
og=torch.optim.Adam(G.parameters(),lr=1e-3 if FIX else 2e-5,betas=(.5,.999));od=torch.optim.Adam(D.parameters(),lr=1e-3 if FIX else 4e-3,betas=(.5,.999));f=open(sys.argv[1]+"/stats.jsonl","w")
def stat():
    z=G(torch.randn(1000,8)).detach();x=real(1000);return ((z.T@z-x.T@x)/1000).norm().item()
a=stat()
for it in range(1500):
    x=real(64).requires_grad_();z=G(torch.randn(64,8)).detach();dx=D(x);dl=F.softplus(D(z)).mean()+F.softplus(-dx).mean();l=dl
    if FIX:l=dl+.5*torch.autograd.grad(dx.sum(),x,create_graph=True)[0].pow(2).sum(1).mean()
    od.zero_grad();l.backward();od.step();gl=F.softplus(-D(G(torch.randn(64,8)))).mean();og.zero_grad();gl.backward();og.step()
    if it%10==0:f.write(json.dumps({"iter":it,"d_loss":dl.item(),"g_loss":gl.item(),"D_real_logit":dx.mean().item(),"D_fake_logit":D(z).mean().item()})+"\n")
print("VERIFY cov err",a,stat(),dl.item(),gl.item())
