import torch,torch.nn as nn,os,json
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/stats.jsonl','w')
def real(n):
    k=torch.randint(0,8,(n,)).float()*.785;return torch.stack([k.cos(),k.sin()],1)*2+.05*torch.randn(n,2)
G=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,2));D=nn.Sequential(nn.Linear(2,64),nn.LeakyReLU(.2),nn.Linear(64,64),nn.LeakyReLU(.2),nn.Linear(64,1))
og=torch.optim.Adam(G.parameters(),3e-4,betas=(.5,.9));od=torch.optim.Adam(D.parameters(),1e-3,betas=(.5,.9))
for s in range(1,2001):
    for _ in range(5):
        x=real(128);z=G(torch.randn(128,8)).detach();e=torch.rand(128,1);i=(e*x+(1-e)*z).requires_grad_();gr=torch.autograd.grad(D(i).sum(),i,create_graph=True)[0];gp=((gr.norm(dim=1)-1)**2).mean()
        wd=D(z).mean()-D(x).mean();ld=wd+10*gp;od.zero_grad();ld.backward();od.step()
    lg=-D(G(torch.randn(128,8))).mean();og.zero_grad();lg.backward();og.step()
    if s%10==0:f.write(json.dumps({'it':s,'critic_loss':round(ld.item(),4),'gen_loss':round(lg.item(),4),'gp':round(gp.item(),5)})+'\n')
z=G(torch.randn(4000,8));k=torch.arange(8)*.785;c=torch.stack([k.cos(),k.sin()],1)*2;dd=torch.cdist(z,c);print('modes',torch.bincount(dd.argmin(1),minlength=8).tolist(),'dist',dd.min(1)[0].mean().item())
