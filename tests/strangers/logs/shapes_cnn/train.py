# synthetic 10-class images, small CNN, jsonl log every step
import torch, torch.nn as nn, json, os
torch.set_num_threads(1); torch.manual_seed(5); os.makedirs('run', exist_ok=True)
C=10; proto=nn.functional.interpolate(torch.randn(C,1,5,5),size=20,mode='bilinear')
def batch(n):
    y=torch.randint(0,C,(n,)); s=torch.randint(-2,3,(n,2))
    x=torch.stack([proto[c].roll((int(a),int(b)),(1,2)) for c,(a,b) in zip(y,s)])
    return x+1.0*torch.randn_like(x),y
net=nn.Sequential(nn.Conv2d(1,16,3,2,1),nn.ReLU(),nn.Conv2d(16,32,3,2,1),nn.ReLU(),nn.Flatten(),nn.Linear(800,64),nn.ReLU(),nn.Linear(64,C))
opt=torch.optim.SGD(net.parameters(),lr=0.02)
f=open('run/metrics.jsonl','w')
for k in range(1200):
    x,y=batch(64); o=net(x); l=nn.functional.cross_entropy(o,y)
    l.backward()
    g=torch.nn.utils.get_total_norm([p.grad for p in net.parameters()])
    opt.step()
    f.write(json.dumps(dict(step=k,loss=l.item(),acc=(o.argmax(1)==y).float().mean().item(),grad_norm=float(g),lr=0.02))+'\n')
