import torch,torch.nn as nn,os,json
torch.manual_seed(0);os.makedirs('run',exist_ok=True)
V,T,D=40,24,64;g=torch.Generator().manual_seed(4)
P=(torch.randn(V,V,generator=g)*2.2).softmax(1);P2=(torch.randn(V,V,generator=g)*1.5)
def batch(n=16):
    x=[torch.randint(0,V,(n,))]
    for _ in range(T):x.append(torch.multinomial(P[x[-1]],1).squeeze(1))
    return torch.stack(x,1)
class M(nn.Module):
    def __init__(s):
        super().__init__();s.e=nn.Embedding(V,D);s.p=nn.Parameter(torch.randn(T,D)*.02)
        s.l=nn.ModuleList([nn.TransformerEncoderLayer(D,4,128,0.,batch_first=True,norm_first=False) for _ in range(4)]);s.o=nn.Linear(D,V)
    def forward(s,x):
        h=s.e(x)+s.p;mk=torch.triu(torch.full((T,T),float('-inf')),1)
        for l in s.l:h=l(h,src_mask=mk)
        return s.o(h)
m=M();opt=torch.optim.AdamW(m.parameters(),1.,betas=(.9,.98),eps=1e-9)
W=400;sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda i:4.0*D**-.5*min((i+1)**-.5,(i+1)*W**-1.5))   # noam, warm-up meant for another batch size
H=[];a=0
for s in range(1,901):
    x=batch();l=nn.functional.cross_entropy(m(x[:,:-1]).flatten(0,1),x[:,1:].flatten());opt.zero_grad();l.backward()
    gn=nn.utils.clip_grad_norm_(m.parameters(),1.).item();lr=opt.param_groups[0]['lr'];opt.step();sch.step();a+=l.item()
    if s%5==0:H.append(dict(epoch=round(s/300,4),grad_norm=gn,learning_rate=lr,loss=round(a/5,4),step=s));a=0
json.dump(dict(best_metric=None,best_model_checkpoint=None,epoch=3.0,eval_steps=500,global_step=900,is_hyper_param_search=False,is_local_process_zero=True,is_world_process_zero=True,log_history=H,logging_steps=5,max_steps=900,num_train_epochs=3),open('run/trainer_state.json','w'),indent=2)
