import torch,torch.nn as nn,os
torch.manual_seed(1);os.makedirs('run',exist_ok=True);f=open('run/log.txt','w')
U,I,K=400,300,16;N=40000
u=torch.randint(0,U,(N,));i=torch.randint(0,I,(N,))
a=torch.randn(U,4);b=torch.randn(I,4);y=((a[u]*b[i]).sum(1)*.6+1.5+.5*torch.randn(N)).exp().round().clamp(1,2000)   # raw play counts
eu=nn.Embedding(U,K);ei=nn.Embedding(I,K);nn.init.normal_(eu.weight,0,.1);nn.init.normal_(ei.weight,0,.1)
opt=torch.optim.SGD([*eu.parameters(),*ei.parameters()],lr=.2,momentum=0.9)
print('users 400 items 300 interactions 40000 factors 16 lr 0.2',file=f)
s=0;ra=None
for ep in range(4):
    p=torch.randperm(N)
    for k in range(0,N,256):
        j=p[k:k+256];l=((eu(u[j])*ei(i[j])).sum(1)-y[j]).pow(2).mean();opt.zero_grad();l.backward();opt.step();s+=1
        if s%1==0 and s<=600: print(f"[ep {ep}] it {s:05d} mse {l.item():.4g} |U| {eu.weight.norm().item():.4g} |V| {ei.weight.norm().item():.4g}",file=f)
f.close()
