import sys,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(4);pat=torch.randn(8,1,12,12);n=1600;y=torch.randint(8,(n,));X=pat[y]*.45+torch.randn(n,1,12,12)
net=nn.Sequential(nn.Conv2d(1,12,3),nn.ReLU(),nn.MaxPool2d(2),nn.Conv2d(12,16,3),nn.ReLU(),nn.Flatten(),nn.Linear(144,8));opt=torch.optim.SGD(net.parameters(),lr=.05,momentum=.9,weight_decay=5e-4);sch=torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(opt,200,2,1e-4);log=open(sys.argv[1]+"/train.log","w")
for it in range(1400):
    j=torch.randint(n,(32,));o=net(X[j].roll(int(torch.randint(-1,2,())),3));l=F.cross_entropy(o,y[j]);opt.zero_grad();l.backward();g=nn.utils.get_total_norm([p.grad for p in net.parameters()]);lr=sch.get_last_lr()[0];opt.step();sch.step()
    if it%2==0:print(f"Train: [{it//50}/28][{it%50}/50] it {it} lr {lr:.6f} loss {l.item():.4f} grad_norm {g.item():.4f}",file=log)
print("VERIFY",l.item(),(o.argmax(1)==y[j]).float().mean().item())
