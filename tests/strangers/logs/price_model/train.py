# price regression; one mini-batch recorded in cents instead of euros: SGD momentum is thrown far away. loss printed is a running mean
from common import *
seed(7); d=out('e07_price_model'); L=TXT(d+'/stdout.txt')
X=torch.randn(6000,12); Y=(torch.tanh(X[:,:1]*X[:,1:2])+.6*X[:,2:3]+.3*X[:,3:4])+3
m=nn.Sequential(nn.Linear(12,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); opt=torch.optim.SGD(m.parameters(),lr=.01,momentum=.9)
from collections import deque
q=deque(maxlen=20)
for s in range(1,1501):
    i=torch.randint(0,6000,(50,)); y=Y[i]
    if s==688 and not FIX: y=y*float(os.environ.get('M','50'))
    loss=F.mse_loss(m(X[i]),y); opt.zero_grad(); loss.backward(); g=gnorm(m); opt.step(); q.append(loss.item())
    L(f"[{s:05d}/01500] avg_loss={np.mean(q):.5f} gradient_norm={g:.4f}")
    if s%100==0: print(s,loss.item(),g)
