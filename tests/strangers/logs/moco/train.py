import torch,torch.nn as nn,os,copy
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/log.txt','w')
N=3000;Z=torch.randn(N,16);A=torch.randn(16,48)
def view(i):
    x=torch.tanh(Z[i]@A*.3);return x+.35*torch.randn_like(x)
q=nn.Sequential(nn.Linear(48,128),nn.ReLU(),nn.Linear(128,32));k=copy.deepcopy(q);o=torch.optim.SGD(q.parameters(),.06,momentum=.9,weight_decay=1e-4)
Q=torch.zeros(0,32);EP=8;it=0;nz=lambda t:nn.functional.normalize(t,dim=1)
print('=> MoCo  queue 4096  m 0.99  T 0.1  lr 0.06',file=f)
for ep in range(EP):
    p=torch.randperm(N);me=0
    for n,j in enumerate(range(0,N-63,32)):
        i=p[j:j+32];a=nz(q(view(i)))
        with torch.no_grad():
            for x,y in zip(k.parameters(),q.parameters()):x.lerp_(y,.01)
            b=nz(k(view(i)))
        lg=torch.cat([(a*b).sum(1,keepdim=True),a@torch.cat([Q,b.roll(1,0)]).t()],1)/.1;l=nn.functional.cross_entropy(lg,torch.zeros(32,dtype=torch.long));o.zero_grad();l.backward();o.step();Q=torch.cat([Q,b])[-4096:]
        me+=l.item()
        if ep==EP-1 and n==55:f.write(f"Epoch: [{ep}][{n}/92]\tTime  0.0");raise SystemExit
        if n%5==0:print(f"Epoch: [{ep}][{n:2d}/92]\tTime  0.031 ( 0.034)\tLoss {l.item():.4e} ({me/(n+1):.4e})\tAcc@1 {100*(lg.argmax(1)==0).float().mean().item():6.2f}",file=f)
