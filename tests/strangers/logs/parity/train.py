# sparse parity: flat at ln 2 for long, then a sudden fall; only the loss logged
from common import *
seed(int(os.environ.get('S','107'))); d=out('k07_parity'); L=CSV(d+'/loss.csv',['step','loss'])
m=nn.Sequential(nn.Linear(24,128),nn.ReLU(),nn.Linear(128,1)); opt=torch.optim.SGD(m.parameters(),lr=float(os.environ.get('LR','.15')))
for s in range(6000):
    x=torch.randint(0,2,(64,24)).float()*2-1; y=(x[:,3]*x[:,11]*x[:,20]>0).float(); l=F.binary_cross_entropy_with_logits(m(x)[:,0],y); opt.zero_grad(); l.backward(); opt.step()
    if s%2==0: L(step=s,loss=round(l.item(),6))
    if s%300==0: print(s,l.item())
