# BERT-like masked LM on short code lines, batch 2; trainer_state.json layout
import torch, torch.nn as nn, json, os
torch.set_num_threads(1); torch.manual_seed(1); os.makedirs('run/checkpoint-3000', exist_ok=True)
lines=[l.strip()[:24] for n in ['argparse.py','ast.py','inspect.py'] for l in open(os.path.join(os.path.dirname(os.__file__),n)) if 12<=len(l.strip())]
ch=sorted(set(''.join(lines))); V=len(ch)+2; D=torch.zeros(len(lines),24,dtype=torch.long)
for i,l in enumerate(lines): D[i,:len(l)]=torch.tensor([ch.index(c)+2 for c in l])
class M(nn.Module):
    def __init__(s):
        super().__init__(); s.e=nn.Embedding(V,48); s.p=nn.Parameter(torch.randn(24,48)*.02); s.b=nn.TransformerEncoderLayer(48,4,96,.1,batch_first=True); s.h=nn.Linear(48,V)
    def forward(s,x): return s.h(s.b(s.e(x)+s.p,src_key_padding_mask=x==0))
m=M(); opt=torch.optim.AdamW(m.parameters(),lr=5e-4); H=[]; n=3000; acc=0
for k in range(1,n+1):
    lr=5e-4*(1-k/n)
    for q in opt.param_groups: q['lr']=lr
    x=D[torch.randint(0,len(D),(2,))]; mk=(torch.rand(x.shape)<.15)&(x>0); y=torch.where(mk,x,-100); xi=torch.where(mk,1,x)
    l=nn.functional.cross_entropy(m(xi).flatten(0,1),y.flatten()); opt.zero_grad(); l.backward(); g=nn.utils.clip_grad_norm_(m.parameters(),1.0); opt.step(); acc+=l.item()
    if os.environ.get('DBG') and not l.isfinite(): print(k,l.item(),mk.sum().item()); break
    if k%20==0: H.append(dict(epoch=round(k*2/len(D),4),grad_norm=float(g),learning_rate=lr,loss=round(acc/20,4),step=k)); acc=0
json.dump(dict(best_metric=None,epoch=n*2/len(D),global_step=n,is_hyper_param_search=False,is_local_process_zero=True,is_world_process_zero=True,log_history=H,max_steps=n,num_train_epochs=2,train_batch_size=2),open('run/checkpoint-3000/trainer_state.json','w'),indent=1)
