import torch,torch.nn as nn,os,json
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/metrics.jsonl','w')
pro=torch.randn(20,40)*.6
def b(n):
    y=torch.randint(0,20,(n,));return pro[y]+.9*torch.randn(n,40),y
mk=lambda h:nn.Sequential(nn.Linear(40,h),nn.ReLU(),nn.Linear(h,h),nn.ReLU(),nn.Linear(h,20))
t=mk(256);o=torch.optim.Adam(t.parameters(),1e-3)
for _ in range(600):
    x,y=b(128);l=nn.functional.cross_entropy(t(x),y);o.zero_grad();l.backward();o.step()
m=mk(48);o=torch.optim.Adam(m.parameters(),1e-3)
for s in range(2400):
    T=[2.,8.,4.,1.][s//600];x,y=b(64)
    with torch.no_grad():q=(t(x)/T).softmax(1)
    lg=m(x);kd=-(q*(lg/T).log_softmax(1)).sum(1).mean()*T*T;ce=nn.functional.cross_entropy(lg,y);l=.9*kd+.1*ce
    o.zero_grad();l.backward();gn=nn.utils.clip_grad_norm_(m.parameters(),1e9).item();o.step()
    if s%10==0:f.write(json.dumps(dict(step=s,loss=l.item(),ce=ce.item(),grad_norm=gn,acc=(lg.argmax(1)==y).float().mean().item()))+'\n')
