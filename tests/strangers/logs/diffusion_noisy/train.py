import sys,csv,torch,torch.nn as nn,math
torch.set_num_threads(1);torch.manual_seed(14);net=nn.Sequential(nn.Linear(3,64),nn.SiLU(),nn.Linear(64,64),nn.SiLU(),nn.Linear(64,2));opt=torch.optim.AdamW(net.parameters(),lr=3e-4)
def x0(n):
    t=torch.rand(n)*2*math.pi;return torch.stack([t.cos(),(2*t).sin()],1)
w=csv.writer(open(sys.argv[1]+"/loss.csv","w"));w.writerow(["step","loss"]);A=[]
for s in range(5000):
    x=x0(8);t=torch.rand(8,1);a=(t*math.pi/2).cos();b=(t*math.pi/2).sin();e=torch.randn(8,2);l=((net(torch.cat([a*x+b*e,t],1))-e)**2).mean();opt.zero_grad();l.backward();opt.step();A.append(l.item());w.writerow([s,l.item()])
print("VERIFY",sum(A[:300])/300,sum(A[500:1000])/500,sum(A[-1000:])/1000)
