import sys,math,torch,torch.nn as nn,torch.nn.functional as F,csv
torch.set_num_threads(1);torch.manual_seed(12);W1,W2=torch.randn(14,50),torch.randn(14,30);a=nn.Sequential(nn.Linear(50,96),nn.GELU(),nn.Linear(96,32));b=nn.Sequential(nn.Linear(30,96),nn.GELU(),nn.Linear(96,32));ls=nn.Parameter(torch.tensor(math.log(1/.07)));opt=torch.optim.AdamW([*a.parameters(),*b.parameters(),ls],lr=3e-3);w=csv.writer(open(sys.argv[1]+"/clip_train.csv","w"));w.writerow(["step","contrastive_loss","logit_scale","lr","acc"])
for s in range(1400):
    z=torch.randn(96,14);x=(z@W1).tanh();y=(z@W2).tanh();k=ls.exp();g=F.normalize(a(x),dim=1)@F.normalize(b(y),dim=1).T*k;t=torch.arange(96);l=(F.cross_entropy(g,t)+F.cross_entropy(g.T,t))/2;opt.zero_grad();l.backward();opt.step();ls.data.clamp_(0,math.log(30))
    if s%4==0:w.writerow([s,l.item(),ls.exp().item(),3e-3,(g.argmax(1)==t).float().mean().item()])
print("VERIFY",l.item(),ls.exp().item())
