# string tasks, a new mixture each epoch (copy, reverse, sort, shift by position); HF Trainer layout
import torch, json, os
from torch import nn
torch.set_num_threads(1); torch.manual_seed(51); os.makedirs('run',exist_ok=True)
V,T=16,10
def batch(n,task):
    x=torch.randint(0,V,(n,T)); y={0:x,1:x.flip(1),2:x.sort(1).values,3:(x+torch.arange(T))%V,4:x}[task]; return x,y
class M(nn.Module):
    def __init__(s): super().__init__(); s.e=nn.Embedding(V,48); s.p=nn.Parameter(torch.randn(T,48)*0.1); l=nn.TransformerEncoderLayer(48,4,96,0.0,batch_first=True,norm_first=True); s.t=nn.TransformerEncoder(l,2,enable_nested_tensor=False); s.o=nn.Linear(48,V)
    def forward(s,x): return s.o(s.t(s.e(x)+s.p))
net=M(); opt=torch.optim.AdamW(net.parameters(),3e-3); h=[]; E,n=5,450; S=E*n; k=0; acc=0.0
sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda t:min((t+1)/100,max(0.02,(S-t)/(S-100))))
for ep in range(E):
    for b in range(n):
        x,y=batch(32,ep); l=nn.functional.cross_entropy(net(x).flatten(0,1),y.flatten()); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(net.parameters(),1.0).item(); lr=opt.param_groups[0]['lr']; opt.step(); sch.step(); k+=1; acc+=l.item()
        if k%10==0: h.append({'epoch':round(k/n,4),'grad_norm':g,'learning_rate':lr,'loss':round(acc/10,4),'step':k}); acc=0.0
json.dump({'epoch':float(E),'global_step':S,'log_history':h,'logging_steps':10,'max_steps':S,'num_train_epochs':E},open('run/trainer_state.json','w'),indent=2)
