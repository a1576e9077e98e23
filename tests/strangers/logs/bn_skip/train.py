# convnet with BatchNorm, "skip the batch if loss is NaN" guard; a corrupt image (NaN) once -> running stats poisoned, val loss NaN for ever
import os,sys,csv,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(25);FIX=os.environ.get("FIX");n=1280
y=torch.randint(4,(n,));pat=torch.randn(4,1,10,10);X=pat[y]*.5+torch.randn(n,1,10,10);yv=torch.randint(4,(256,));Xv=pat[yv]*.5+torch.randn(256,1,10,10)
net=nn.Sequential(nn.Conv2d(1,8,3),nn.BatchNorm2d(8),nn.ReLU(),nn.Conv2d(8,12,3),nn.BatchNorm2d(12),nn.ReLU(),nn.Flatten(),nn.Linear(12*36,4));opt=torch.optim.SGD(net.parameters(),lr=5e-3,momentum=.9)
f=csv.writer(open(sys.argv[1]+"/log.csv","w"));f.writerow("epoch,loss,accuracy,val_loss,val_accuracy,learning_rate".split(","))
for ep in range(30):
    tl=ta=k=0;net.train()
    if ep==9:X[77,0,3,3]=float("nan")      # re-encoded file on disk
    if ep==10:X[77,0,3,3]=0.
    for j in torch.randperm(n).view(-1,64):
        xb=X[j]
        if FIX:xb=torch.nan_to_num(xb)
        o=net(xb);l=F.cross_entropy(o,y[j])
        if not l.isfinite():continue
        opt.zero_grad();l.backward();opt.step();tl+=l.item();ta+=(o.argmax(1)==y[j]).float().mean().item();k+=1
    net.eval()
    with torch.no_grad():o=net(Xv);vl=F.cross_entropy(o,yv).item();va=(o.argmax(1)==yv).float().mean().item()
    f.writerow([ep,tl/k,ta/k,vl,va,5e-3])
print("VERIFY last",tl/k,vl,va)
