# insurance claim severity (in hundreds), heavy-tailed targets, batch 4, MSE, clipped
import torch, torch.nn as nn, csv, os
torch.set_num_threads(1); torch.manual_seed(7); os.makedirs('run', exist_ok=True)
N=20000; X=torch.randn(N,12); w=torch.randn(12)*.4; y=(torch.exp(X@w*.5)*(torch.distributions.Pareto(torch.tensor(1.),torch.tensor(2.2)).sample((N,))))[:,None]
net=nn.Sequential(nn.Linear(12,64),nn.SiLU(),nn.Linear(64,1)); opt=torch.optim.Adam(net.parameters(),lr=5e-4); W=csv.writer(open('run/log.csv','w',newline='')); W.writerow(['step','loss','gnorm'])
for k in range(4000):
    b=torch.randint(0,N,(4,)); l=nn.functional.mse_loss(net(X[b]),y[b]); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),5.); opt.step(); W.writerow([k,round(l.item(),5),round(float(g),4)])
with torch.no_grad(): print('final median abs err',(net(X)-y).abs().median().item(),'baseline',(y-y.mean()).abs().median().item())
