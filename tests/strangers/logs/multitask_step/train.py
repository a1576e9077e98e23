# three-head regression; schedule milestones with gamma=10 instead of 0.1
import os,sys,json,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(35);FIX=os.environ.get("FIX");tr=nn.Sequential(nn.Linear(10,64),nn.Tanh(),nn.Linear(64,64),nn.Tanh());hs=nn.ModuleList([nn.Linear(64,1) for _ in range(3)]);P=[*tr.parameters(),*hs.parameters()]
opt=torch.optim.SGD(P,lr=.02,momentum=.9,nesterov=True);sch=torch.optim.lr_scheduler.MultiStepLR(opt,[25,40],gamma=.1 if FIX else 10);f=open(sys.argv[1]+"/history.json","w");W=torch.randn(3,10);H=[]
for ep in range(55):
    tot=[0,0,0]
    for _ in range(25):
        x=torch.randn(48,10);y=torch.stack([(x@W[0]).sin(),(x@W[1]).abs(),(x@W[2])*.3],1);z=tr(x);ls=[((hs[k](z)[:,0]-y[:,k])**2).mean() for k in range(3)];l=sum(ls);opt.zero_grad();l.backward();opt.step()
        for k in range(3):tot[k]+=ls[k].item()/25
    H.append({"epoch":ep+1,"train_loss":sum(tot),"loss_phase":tot[0],"loss_abs":tot[1],"loss_lin":tot[2],"lr":sch.get_last_lr()[0]});sch.step()
f.write("\n".join(json.dumps(h) for h in H)+"\n")
print("VERIFY last",H[0]["train_loss"],H[24]["train_loss"],H[-1]["train_loss"])
