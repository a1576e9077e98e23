# matrix factorisation with biases; gradient accumulation, loss not divided by accumulation
import os,sys,csv,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(0);FIX=os.environ.get("FIX")
U,I,K=600,400,16;pu=torch.randn(U,6);qi=torch.randn(I,6);u=torch.randint(U,(30000,));i=torch.randint(I,(30000,));r=(3.5+(pu[u]*qi[i]).sum(1)*.5+.3*torch.randn(30000)).clamp(1,5)
class MF(nn.Module):
    def __init__(s):
        super().__init__();s.P=nn.Embedding(U,K);s.Q=nn.Embedding(I,K);s.bu=nn.Embedding(U,1);s.bi=nn.Embedding(I,1);s.mu=nn.Parameter(torch.tensor(3.5))
        for e in(s.P,s.Q):nn.init.normal_(e.weight,std=.3)
        for e in(s.bu,s.bi):nn.init.zeros_(e.weight)
    def forward(s,u,i):return (s.P(u)*s.Q(i)).sum(1)+s.bu(u)[:,0]+s.bi(i)[:,0]+s.mu
m=MF();ACC=16;opt=torch.optim.SGD(m.parameters(),lr=1.2e-1,momentum=.8);f=csv.writer(open(sys.argv[1]+"/loss_history.csv","w",buffering=1));f.writerow(["update","train_mse"]);UP=0;run=0.
tr=slice(0,27000);va=slice(27000,30000)
for ep in range(45):
    p=torch.randperm(27000);tot=0;n=0;opt.zero_grad()
    for k in range(0,27000-63,64):
        j=p[k:k+64];l=((m(u[j],i[j])-r[j])**2).mean();((l/ACC) if FIX else l).backward();n+=1;tot+=l.item();run+=l.item()
        if n%ACC==0:opt.step();opt.zero_grad();UP+=1;f.writerow([UP,run/ACC]);run=0.
    with torch.no_grad():v=((m(u[va],i[va])-r[va])**2).mean().item()
print("VERIFY last",tot/n,v)
