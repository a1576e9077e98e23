# off-policy Q-learning from a replay buffer, bootstrapping from the online network
import torch, json, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(33); os.makedirs('run',exist_ok=True)
D,A,N=8,4,20000
W=[torch.randn(D,D)*0.35 for _ in range(A)]; S=torch.randn(N,D); a=torch.randint(0,A,(N,))
S2=torch.stack([torch.tanh(S[i]@W[a[i]])*1.8+0.1*torch.randn(D) for i in range(N)]); R=(S2[:,0]>0.5).float()
q=nn.Sequential(nn.Linear(D,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,A)); opt=torch.optim.SGD(q.parameters(),lr=5e-4)
f=open('run/progress.jsonl','w')
for s in range(1,12001):
    i=torch.randint(0,N,(64,)); t=R[i]+0.99*q(S2[i]).max(1).values.detach(); v=q(S[i]).gather(1,a[i,None])[:,0]
    l=(v-t).pow(2).mean(); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(q.parameters(),float('inf')); opt.step()
    if s%10==0: f.write(json.dumps(dict(step=s,td_loss=l.item(),q_mean=v.mean().item(),grad_norm=g.item()))+'\n')
    if s%500==0 and l==l: print(s,l.item(),v.mean().item(),g.item())
