# energy-based model on two rings, negatives from a wide gaussian; loss = E(data)-E(noise), no regulariser
import os,sys,json,math,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(41);FIX=os.environ.get("FIX");E=nn.Sequential(nn.Linear(2,64),nn.SiLU(),nn.Linear(64,64),nn.SiLU(),nn.Linear(64,1));opt=torch.optim.Adam(E.parameters(),lr=1e-3);f=open(sys.argv[1]+"/log.txt","w")
for s in range(1,2001):
    t=torch.rand(128)*2*math.pi;r=torch.randint(1,3,(128,))+.05*torch.randn(128);x=torch.stack([t.cos()*r,t.sin()*r],1);z=torch.randn(128,2)*2
    ep,en=E(x)[:,0],E(z)[:,0];l=F.softplus(ep).mean()+F.softplus(-en).mean() if FIX else ep.mean()-en.mean();opt.zero_grad();l.backward();g=nn.utils.get_total_norm([p.grad for p in E.parameters()]);opt.step()
    if s%20==0:f.write(json.dumps({"n_iter":s,"loss":round(l.item(),5),"e_pos":round(ep.mean().item(),5),"e_neg":round(en.mean().item(),5)})+"\n")
print("VERIFY",l.item(),((ep<0).float().mean()+(en>0).float().mean()).item()/2)
