# 8-layer network on tabular data, weights drawn by hand
import torch, csv, os
torch.set_num_threads(1); torch.manual_seed(37); os.makedirs('run',exist_ok=True)
X=torch.randn(20000,30); Y=torch.tanh(X@torch.randn(30,4))@torch.randn(4)+0.1*torch.randn(20000)
d=[30]+[64]*6+[1]; P=[]
for i in range(7): P+= [torch.randn(d[i],d[i+1],requires_grad=True), torch.zeros(d[i+1],requires_grad=True)]
def net(x):
    for i in range(7):
        x=x@P[2*i]+P[2*i+1]
        if i<6: x=torch.relu(x)
    return x[:,0]
opt=torch.optim.Adam(P,lr=1e-3); f=open('run/loss.csv','w',newline=''); w=csv.writer(f); w.writerow(['iteration','loss'])
for s in range(3000):
    i=torch.randint(0,20000,(64,)); l=((net(X[i])-Y[i])**2).mean(); opt.zero_grad(); l.backward(); opt.step()
    if s%10==0: w.writerow([s,l.item()])
