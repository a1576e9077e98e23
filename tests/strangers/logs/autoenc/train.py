import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True)
f=open('run/metrics.csv','w');f.write('epoch,lr-AdamW,step,train_loss_step,val_loss\n')
g=torch.Generator().manual_seed(3);A=torch.randn(8,64,generator=g)*.5
def batch(n,g=None):
    z=torch.randn(n,8,generator=g);return torch.sin(z@A)
net=lambda:nn.Sequential(nn.Linear(64,384),nn.GELU(),nn.Linear(384,16),nn.GELU(),nn.Linear(16,384),nn.GELU(),nn.Linear(384,64))
V=batch(256,g);m=net();mk=lambda m:torch.optim.AdamW(m.parameters(),4e-3)
L=lambda m,x:(m(x)-x).pow(2).mean()
opt=mk(m);SC=lambda o:torch.optim.lr_scheduler.CosineAnnealingLR(o,2600);sch=SC(opt)
for s in range(2600):
    if s==1900:
        sd=m.state_dict();m=net();m.load_state_dict(sd);opt=mk(m);sch=SC(opt)   # the file held the weights only
    l=L(m,batch(64));opt.zero_grad();l.backward();opt.step();lr=opt.param_groups[0]['lr'];sch.step()
    if s%10==9:f.write(f",{lr},{s},,\n{s//100},,{s},{l.item()},\n")
    if s%100==99:
        with torch.no_grad():f.write(f"{s//100},,{s},,{L(m,V).item()}\n")
