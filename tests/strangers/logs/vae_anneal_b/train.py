import sys,json,torch,torch.nn as nn
torch.set_num_threads(1);torch.manual_seed(3);W=torch.randn(4,36)
def data(n):return (torch.randn(n,4)@W).tanh()+.1*torch.randn(n,36)
en=nn.Sequential(nn.Linear(36,64),nn.ReLU(),nn.Linear(64,16));de=nn.Sequential(nn.Linear(8,64),nn.ReLU(),nn.Linear(64,36));opt=torch.optim.Adam([*en.parameters(),*de.parameters()],lr=2e-3);f=open(sys.argv[1]+"/metrics.jsonl","w")
for s in range(1,2001):
    beta=min(1,max(0,(s-400)/800));x=data(128);m,lv=en(x).chunk(2,1);z=m+(lv/2).exp()*torch.randn_like(m);rec=((de(z)-x)**2).sum(1).mean()*5;kl=.5*(m**2+lv.exp()-1-lv).sum(1).mean();l=rec+beta*kl;opt.zero_grad();l.backward();opt.step()
    if s%10==0:f.write(json.dumps({"step":s,"loss":l.item(),"recon":rec.item(),"kl":kl.item(),"beta":beta})+"\n")
    if s==1:print("start",rec.item(),kl.item())
print("VERIFY rec",rec.item(),kl.item())
