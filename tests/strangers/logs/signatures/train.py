# siamese verification on synthetic stroke features, contrastive loss, amp
import torch, torch.nn as nn, csv, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True)
C,D=40,64; proto=torch.randn(C,D)
net=nn.Sequential(nn.Linear(D,64),nn.ReLU(),nn.Linear(64,32),nn.ReLU(),nn.Linear(32,16),nn.ReLU())
LR=float(os.environ.get('LR',2e-2)); opt=torch.optim.Adam(net.parameters(),lr=LR); sc=torch.amp.GradScaler('cpu',init_scale=2.**16,growth_interval=500)
W=csv.writer(open('run/train_log.csv','w',newline='')); W.writerow(['iter','loss','lr','scaler'])
for k in range(1000):
    a=torch.randint(0,C,(64,)); same=(torch.rand(64)<.5); b=torch.where(same,a,(a+torch.randint(1,C,(64,)))%C)
    xa,xb=proto[a]+.7*torch.randn(64,D),proto[b]+.7*torch.randn(64,D)
    with torch.autocast('cpu',dtype=torch.float16): u,v=net(xa),net(xb)
    d=(u.float()-v.float()).pow(2).sum(1).sqrt(); l=torch.where(same,d**2,(1-d).clamp(min=0)**2).mean()
    opt.zero_grad(); sc.scale(l).backward()
    if os.environ.get('DBG') and any(not p.grad.isfinite().all() for p in net.parameters()) : print(k,l.item(),'min d',d.min().item(),'zeros',(d==0).sum().item(),sc.get_scale()); 
    sc.step(opt); sc.update()
    W.writerow([k,f'{l.item():.5f}',LR,sc.get_scale()])
