# learn Lorenz-63 dynamics from rollouts, horizon doubled on a schedule
import torch, torch.nn as nn, csv, os, json
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
dt=.04; S=torch.tensor([8.,9.,8.6]); O=torch.tensor([0.,0.,23.5])
def f(v): x,y,z=v.unbind(-1); return torch.stack([10*(y-x),x*(28-z)-y,x*y-8/3*z],-1)
v=torch.randn(64,3)*5+O; tr=[]
for i in range(800):
    for _ in range(4):
        h=dt/4; a=f(v);b=f(v+h/2*a);c=f(v+h/2*b);d=f(v+h*c); v=v+h/6*(a+2*b+2*c+d)
    tr.append((v-O)/S)
X=torch.stack(tr[100:],1)   # 64 x 700 x 3
net=nn.Sequential(nn.Linear(3,96),nn.ReLU(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,3))
LR=float(os.environ.get('LR',2e-2)); HZ=[2,5,10,20,40,80]; EV=250
opt=torch.optim.SGD(net.parameters(),lr=LR,momentum=.9)
json.dump(dict(dt=dt,horizons=HZ,switch_every=EV,batch=32,lr=LR,optimizer='SGD(momentum=.9)'),open('run/config.json','w'))
W=csv.writer(open('run/progress.csv','w',newline='')); W.writerow(['step','horizon','rollout_mse','grad_norm'])
for k in range(EV*len(HZ)):
    T=HZ[k//EV]; i=torch.randint(0,64,(32,)); j=torch.randint(0,700-T-1,(32,))
    y=torch.stack([X[a,b:b+T+1] for a,b in zip(i,j)]); s=y[:,0]; l=0
    for t in range(T): s=s+net(s); l=l+((s-y[:,t+1])**2).mean()/T
    opt.zero_grad(); l.backward(); g=torch.nn.utils.get_total_norm([p.grad for p in net.parameters()]); opt.step()
    W.writerow([k,T,f'{l.item():.6g}',f'{float(g):.6g}'])
