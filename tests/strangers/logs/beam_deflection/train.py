# regression of small displacements (metres), zero_grad() forgotten
from common import *
seed(2); d=out('e02_beam_deflection'); L=CSV(d+'/log.csv',['iter','mse','grad_norm','lr'])
X=torch.rand(4000,6)*2-1; Y=2e-3*(torch.sin(2*X[:,:1]+X[:,1:2])*X[:,2:3]+.5*X[:,3:4])
m=nn.Sequential(nn.Linear(6,64),nn.Tanh(),nn.Linear(64,1)); nn.init.normal_(m[2].weight,std=1e-3); nn.init.zeros_(m[2].bias)
lr=0.1
opt=torch.optim.SGD(m.parameters(),lr=lr)
for s in range(1500):
    i=torch.randint(0,4000,(32,)); loss=F.mse_loss(m(X[i]),Y[i])
    if FIX: opt.zero_grad()
    loss.backward(); g=gnorm(m); opt.step()
    L(iter=s,mse=f"{loss.item():.6e}",grad_norm=f"{g:.5e}",lr=lr)
    if s%100==0: print(s,loss.item(),g)
json.dump(dict(model='mlp 6-64-1',optimizer='SGD',lr=lr,batch_size=32,units='m'),open(d+'/config.json','w'),indent=1)
