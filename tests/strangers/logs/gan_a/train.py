import torch,torch.nn as nn,os,json
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/log.jsonl','w')
def real(n):
    t=torch.rand(n,1)*6.283;b=torch.cat([t.cos(),t.sin(),(2*t).cos(),(3*t).sin()],1);return torch.cat([b]*64,1)+.01*torch.randn(n,256)
G=nn.Sequential(nn.Linear(16,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,256),nn.Tanh())
D=nn.Sequential(nn.Linear(256,256),nn.LeakyReLU(.2),nn.Linear(256,256),nn.LeakyReLU(.2),nn.Linear(256,1))
og=torch.optim.Adam(G.parameters(),2e-5,betas=(.5,.999));od=torch.optim.Adam(D.parameters(),1e-3,betas=(.5,.999));bce=nn.functional.binary_cross_entropy_with_logits
for s in range(1,2401):
    x=real(64);z=G(torch.randn(64,16));a=D(x);b=D(z.detach());ld=bce(a,torch.ones_like(a))+bce(b,torch.zeros_like(b));od.zero_grad();ld.backward();od.step()
    c=D(z);lg=bce(c,torch.ones_like(c));og.zero_grad();lg.backward();og.step()
    if s%10==0:f.write(json.dumps(dict(iter=s,errD=round(ld.item(),6),errG=round(lg.item(),4),D_x=round(a.sigmoid().mean().item(),4),D_G_z=round(b.sigmoid().mean().item(),6)))+'\n')
