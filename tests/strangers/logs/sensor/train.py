import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/train.log','w')
N=1200;K=torch.randn(10,10)
X=torch.randn(N,10);Y=(X@K).tanh()+torch.distributions.StudentT(1.6).sample((N,10))*.15      # heavy-tailed sensor noise, one sequence at a time
m=nn.Sequential(nn.Linear(10,64),nn.ReLU(),nn.Linear(64,10));o=torch.optim.Adam(m.parameters(),1e-3)
for ep in range(1,4):
    p=torch.randperm(N);a=0
    for k in range(N):
        i=p[k:k+1];l=(m(X[i])-Y[i]).pow(2).mean();o.zero_grad();l.backward();gn=nn.utils.clip_grad_norm_(m.parameters(),1.).item();o.step();a=l.item() if k==0 else .98*a+.02*l.item()
        if k%3==2:f.write(f"\rTrain {ep}/3: {100*(k+1)//N:3d}%|{'█'*(10*(k+1)//N):<10}| {k+1}/{N} [00:{k//100:02d}<00:{(N-k)//100:02d}, 97.31it/s, loss={l.item():.4g}, grad={gn:.3g}]")
    f.write('\n')
