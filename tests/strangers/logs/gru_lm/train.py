import torch,torch.nn as nn,os,json,math
torch.manual_seed(0);os.makedirs('run',exist_ok=True);H=[];a=0
P=(torch.randn(50,50)*2).softmax(1)
def b(n,T=16):
    x=[torch.randint(0,50,(n,))]
    for _ in range(T):x.append(torch.multinomial(P[x[-1]],1).squeeze(1))
    return torch.stack(x,1)
e=nn.Embedding(50,48);r=nn.GRU(48,96,batch_first=True);h=nn.Linear(96,50);ps=[*e.parameters(),*r.parameters(),*h.parameters()];o=torch.optim.AdamW(ps,2e-2)
sch=torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o,300,2,eta_min=1e-5);V=b(64)
L=lambda x:nn.functional.cross_entropy(h(r(e(x[:,:-1]))[0]).flatten(0,1),x[:,1:].flatten())
for s in range(1,2101):
    l=L(b(24));o.zero_grad();l.backward();gn=nn.utils.clip_grad_norm_(ps,1.).item();lr=o.param_groups[0]['lr'];o.step();sch.step();a+=l.item()
    if s%10==0:H.append(dict(epoch=round(s/700,3),grad_norm=round(gn,5),learning_rate=lr,loss=round(a/10,4),step=s));a=0
    if s%150==0:
        with torch.no_grad():H.append(dict(epoch=round(s/700,3),eval_loss=L(V).item(),eval_runtime=.3,step=s))
json.dump(dict(best_metric=None,epoch=3.0,global_step=2100,log_history=H,max_steps=2100,logging_steps=10,num_train_epochs=3,is_world_process_zero=True),open('run/trainer_state.json','w'),indent=2)
