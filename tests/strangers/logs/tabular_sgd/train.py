# house-price-like MLP regression, SGD
import torch, torch.nn as nn, os
torch.set_num_threads(1); torch.manual_seed(3); os.makedirs('run', exist_ok=True)
N=20000; X=torch.randn(N,24); w=torch.randn(24)
y=(X@w+1.5*torch.sin(2*X[:,0])*X[:,1]+0.3*torch.randn(N)).unsqueeze(1)
net=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,1))
opt=torch.optim.SGD(net.parameters(),lr=0.13,momentum=0.9)
f=open('run/train.log','w')
print('Namespace(batch_size=128, epochs=6, lr=0.13, momentum=0.9, hidden=128, log_interval=10)',file=f)
print(net,file=f)
for ep in range(1,7):
    p=torch.randperm(N); run=0.
    for i in range(N//128):
        b=p[i*128:i*128+128]; l=nn.functional.mse_loss(net(X[b]),y[b])
        opt.zero_grad(); l.backward(); opt.step(); run+=l.item()
        if i<12 and ep==1 and os.environ.get('DBG'): print(i,l.item())
        if i%10==9:
            print(f'Epoch {ep} [{(i+1)*128}/{N} ({100*(i+1)*128/N:.0f}%)]\tloss: {run/10:.6f}',file=f); run=0.
