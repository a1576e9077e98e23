# resume restores only the weights: optimizer and schedule start anew (cosine from its peak) on a net already in a sharp place -> diverges
from common import *
from torch.utils.tensorboard import SummaryWriter
seed(11); d=out('e11_surrogate'); PK=float(os.environ.get('PK','.05'))
X=torch.rand(6000,4)*4-2; f=lambda X:torch.sin(3*X[:,:1])*torch.cos(2*X[:,1:2])+.5*X[:,2:3]**2+X[:,3:4]; Y=f(X)
m=nn.Sequential(nn.Linear(4,96),nn.Tanh(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,1))
def run(opt,s0,s1,shift):
    w=SummaryWriter(d)
    for s in range(s0,s1):
        k=s-shift; lr=PK*.5*(1+math.cos(math.pi*k/2600))*(min(1,(s+1)/300))
        opt.param_groups[0]['lr']=lr; i=torch.randint(0,6000,(128,)); loss=F.mse_loss(m(X[i]),Y[i]); opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step()
        if s%4==0: w.add_scalar('loss/train',loss.item(),s); w.add_scalar('lr',lr,s); w.add_scalar('grad_norm',g,s)
        if s%200==0 or (s>=2100 and s<2112): print(s,lr,loss.item(),g)
    w.close()
mk=lambda: torch.optim.Adam(m.parameters(),lr=PK)
opt=mk(); run(opt,0,2100,0); time.sleep(1.1)
if not FIX: opt=mk()
run(opt,2100,2600,0 if FIX else 2100)
