# GCN regression of a node property on a random geometric graph; optimizer.zero_grad() sits outside of the loop by mistake
import os,sys,json,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(5);FIX=os.environ.get("FIX");N=300;P=torch.rand(N,2)
A=(torch.cdist(P,P)<.12).float();dd=A.sum(1).rsqrt();A=dd[:,None]*A*dd
X=torch.cat([P,torch.randn(N,14)*.3],1);Y=(A@(torch.sin(5*P[:,:1])+P[:,1:]*X[:,2:3])+.05*torch.randn(N,1));Y=(Y-Y.mean())/Y.std()
class G(nn.Module):
    def __init__(s):super().__init__();s.a=nn.Linear(16,32);s.c=nn.Linear(32,32);s.b=nn.Linear(32,1)
    def forward(s,x):return s.b(torch.relu(s.c(A@torch.relu(s.a(A@x)))))
m=G();opt=torch.optim.SGD(m.parameters(),lr=.15);opt.zero_grad()
with open(sys.argv[1]+"/metrics.jsonl","w") as f:
    for step in range(1,601):
        if FIX:opt.zero_grad()
        i=torch.randint(N,(64,));l=F.mse_loss(m(X)[i],Y[i]);l.backward();g=nn.utils.get_total_norm([p.grad for p in m.parameters()]);opt.step()
        f.write(json.dumps(dict(step=step,loss=l.item(),grad_norm=g.item(),lr=opt.param_groups[0]["lr"]))+"\n")
print("VERIFY last",l.item(),g.item())
