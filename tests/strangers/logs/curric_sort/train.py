# curriculum: sequence reversal/sum mod tasks of growing length, transformer; trainer_state.json layout
import torch, torch.nn as nn, json, os
torch.set_num_threads(1); torch.manual_seed(0); os.makedirs('run', exist_ok=True); V=12
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(V,48); s.p=nn.Parameter(torch.randn(24,48)*.3); s.b=nn.TransformerEncoder(nn.TransformerEncoderLayer(48,4,128,0.,batch_first=True,norm_first=True),2,enable_nested_tensor=False); s.h=nn.Linear(48,V)
    def forward(s,x): return s.h(s.b(s.e(x)+s.p[:x.shape[1]]))
m=M(); n=1800; opt=torch.optim.AdamW(m.parameters(),lr=2e-3); H=[]; acc=0; Ls=[4,8,12,20]
for k in range(1,n+1):
    T=Ls[min(3,(k-1)//400)]; lr=2e-3*min(1,k/100)
    for q in opt.param_groups: q['lr']=lr
    x=torch.randint(0,V,(32,T)); y=x.flip(1); l=nn.functional.cross_entropy(m(x).flatten(0,1),y.flatten()); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(m.parameters(),1.0); opt.step(); acc+=l.item()
    if k%10==0: H.append(dict(epoch=round(k/n,4),grad_norm=float(g),learning_rate=lr,loss=round(acc/10,4),step=k)); acc=0
json.dump(dict(global_step=n,max_steps=n,epoch=1.0,log_history=H),open('run/trainer_state.json','w'),indent=1)
