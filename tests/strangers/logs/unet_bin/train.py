import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/train.log','w')
g=torch.Generator().manual_seed(1);N=320;X=nn.functional.avg_pool2d(torch.randn(N,1,24,24,generator=g),5,1,2)*5
Y=(X>1.2).float()*255                     # png masks
m=nn.Sequential(nn.Conv2d(1,16,3,padding=1),nn.BatchNorm2d(16),nn.ReLU(),nn.Conv2d(16,16,3,padding=1),nn.BatchNorm2d(16),nn.ReLU(),nn.Conv2d(16,1,1))
opt=torch.optim.AdamW(m.parameters(),1e-3)
print('Loading 320 images... done',file=f)
for ep in range(1,31):
    p=torch.randperm(N);r=0
    for n,k in enumerate(range(0,N,16),1):
        i=p[k:k+16];l=nn.functional.binary_cross_entropy_with_logits(m(X[i]),Y[i]);opt.zero_grad();l.backward();opt.step();r+=l.item()
        if n%5==0:print(f"Epoch {ep} [{n}/20] loss: {r/5:.3f} lr: {1e-3:g}",file=f);r=0
