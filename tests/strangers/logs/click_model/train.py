# hand-written BCE with torch.log(1-p) without eps; some clean examples become p==1 while a rare label is flipped
from common import *
seed(8); d=out('e08_click_model'); f=open(d+'/metrics.jsonl','w')
X=torch.randn(8000,10); z=(X[:,0]+X[:,1]*X[:,2]-.5*X[:,3]); Y=(z>0).float(); fl=torch.rand(8000)<.002; Y[fl]=1-Y[fl]
m=nn.Sequential(nn.Linear(10,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.Adam(m.parameters(),lr=5e-3)
for s in range(3000):
    i=torch.randint(0,8000,(64,)); o=m(X[i])[:,0]; p=torch.sigmoid(o); y=Y[i]
    loss=F.binary_cross_entropy_with_logits(o,y) if FIX else -(y*torch.log(p)+(1-y)*torch.log(1-p)).mean()
    opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step()
    if s%2==0 or not math.isfinite(loss.item()): f.write(json.dumps({'step':s,'loss':loss.item(),'optim/grad_norm':g,'p_min':p.min().item(),'p_max':p.max().item()})+'\n')
    if s%200==0 : print(s,loss.item(),g,p.max().item())
    if not math.isfinite(loss.item()):
        FIXN=globals().get('FIXN',0)+1
        if FIXN==1: print('first nonfinite',s,loss.item())
        if FIXN>60: break
