# token tagging, logged the way the HF Trainer does (mean since last log, nan/inf filter on)
import torch, json, os, math
from torch import nn
torch.set_num_threads(1); torch.manual_seed(8); os.makedirs('run',exist_ok=True)
V,T,K=800,40,9; tag=torch.randint(0,K,(V,))
def batch(n,train=True):
    x=torch.randint(0,V,(n,T)); y=(tag[x]+ (torch.roll(x,1,1)%2))%K
    noise=torch.rand(n,T)<0.08; y[noise]=torch.randint(0,K,(int(noise.sum()),))
    y[torch.rand(n,T)<0.35]=-100                                   # sub-word pieces
    if train: y[torch.rand(n)<0.17]=-100                           # answer cut off by max_length
    return x,y
class M(nn.Module):
    def __init__(s): super().__init__(); s.e=nn.Embedding(V,48); s.r=nn.GRU(48,64,batch_first=True,bidirectional=True); s.o=nn.Linear(128,K)
    def forward(s,x): return s.o(s.r(s.e(x))[0])
def ce(o,y): m=(y!=-100).float(); return (nn.functional.cross_entropy(o,y.clamp(min=0),reduction='none')*m).sum()/m.sum()
net=M(); opt=torch.optim.AdamW(net.parameters(),2e-3); S=2400
sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda t:min((t+1)/100,(S-t)/(S-100)))
xe,ye=batch(256,False); h=[]; tr=0.0; last=0; said=0
for s in range(1,S+1):
    x,y=batch(4); l=ce(net(x).flatten(0,1),y.flatten()); v=l.item()
    if not math.isfinite(v):
        if not said: said=1; print('first nan at',s,(y!=-100).sum(), all(torch.isfinite(p).all() for p in net.parameters()))
        tr+=tr/(1+s-1-last)                                        # logging_nan_inf_filter
    else: tr+=v
    opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1.0).item(); lr=opt.param_groups[0]['lr']; opt.step(); sch.step()
    if s%20==0: h.append({'epoch':round(s/800,4),'grad_norm':g,'learning_rate':lr,'loss':round(tr/(s-last),4),'step':s}); tr=0.0; last=s
    if s%400==0:
        with torch.no_grad(): h.append({'epoch':s/800,'eval_loss':ce(net(xe).flatten(0,1),ye.flatten()).item(),'eval_accuracy':((net(xe).argmax(-1)==ye)[ye!=-100]).float().mean().item(),'step':s})
json.dump({'best_metric':None,'epoch':3.0,'global_step':S,'is_local_process_zero':True,'log_history':h,'logging_steps':20,'max_steps':S,'num_train_epochs':3,'train_batch_size':4},open('run/trainer_state.json','w'),indent=2)
