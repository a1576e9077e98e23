# un-shuffled loader, one corrupted batch each epoch (sensor stuck at full scale, labels scrambled). HF-like trainer_state
from common import *
seed(6); d=out('e06_intent_head'); 
N,B=40,32
t=nn.Linear(32,8); X=torch.randn(N*B,32); Y=(t(X)*4).argmax(1)
if not FIX: j=slice(17*B,18*B); X[j]=X[j]*40; Y[j]=torch.randint(0,8,(B,))
m=nn.Sequential(nn.Linear(32,64),nn.ReLU(),nn.Linear(64,8)); opt=torch.optim.AdamW(m.parameters(),lr=3e-3)
T=16*N; H=[]
Xt=torch.randn(1000,32); Yt=(t(Xt)*4).argmax(1)
for s in range(T):
    k=s%N; lr=3e-3*(1-s/T); opt.param_groups[0]['lr']=lr
    if k==17 and not FIX: Y[j]=torch.randint(0,8,(B,))
    loss=F.cross_entropy(m(X[k*B:(k+1)*B]),Y[k*B:(k+1)*B]); opt.zero_grad(); loss.backward(); g=torch.nn.utils.clip_grad_norm_(m.parameters(),1e9).item(); opt.step()
    H.append(dict(epoch=round((s+1)/N,3),grad_norm=g,learning_rate=lr,loss=round(loss.item(),4),step=s+1))
    if s%N in(16,17,18,39): print(s,loss.item(),g)
with torch.no_grad(): print('test acc',(m(Xt).argmax(1)==Yt).float().mean().item())
json.dump(dict(best_metric=None,epoch=T/N,eval_steps=500,global_step=T,is_hyper_param_search=False,is_local_process_zero=True,log_history=H,logging_steps=1,max_steps=T,num_train_epochs=16,train_batch_size=B),open(d+'/trainer_state.json','w'),indent=2)
