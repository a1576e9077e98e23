import sys,csv,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(9);X=torch.randn(500,40);y=((X[:,0]+X[:,1]*X[:,2]+1.2*torch.randn(500))>0).long();net=nn.Sequential(nn.Linear(40,128),nn.ReLU(),nn.Linear(128,128),nn.ReLU(),nn.Linear(128,2));opt=torch.optim.AdamW(net.parameters(),lr=1e-3);w=csv.writer(open(sys.argv[1]+"/metrics.csv","w"));w.writerow("epoch,lr-AdamW,step,train_loss,val_acc,val_loss".split(","));s=0
for ep in range(60):
    for j in torch.randperm(300).split(30):
        l=F.cross_entropy(net(X[j]),y[j]);opt.zero_grad();l.backward();opt.step();s+=1
        if s%5==0:w.writerow([ep,1e-3,s-1,l.item(),"",""])
    with torch.no_grad():o=net(X[300:]);v=F.cross_entropy(o,y[300:]).item();a=(o.argmax(1)==y[300:]).float().mean().item()
    w.writerow([ep,"",s-1,"",a,v])
    if ep in(0,3,59):print("VERIFY" if ep==59 else ep,l.item(),v,a)
