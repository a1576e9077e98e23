import torch,torch.nn as nn,os,json
torch.manual_seed(0);os.makedirs('run',exist_ok=True)
g=torch.Generator().manual_seed(1);V=300;N=3000;emb=torch.randn(V,32,generator=g)
base=torch.randint(0,V,(N,8),generator=g);pos=base.clone();k=torch.randint(0,8,(N,),generator=g);pos[torch.arange(N),k]=torch.randint(0,V,(N,),generator=g);k=torch.randint(0,8,(N,),generator=g);pos[torch.arange(N),k]=torch.randint(0,V,(N,),generator=g)
lab=(torch.rand(N,generator=g)<.5).float();neg=torch.randint(0,V,(N,8),generator=g);B2=torch.where(lab[:,None]>0,pos,neg)
dup=(base==B2).all(1);keep=~dup;base,B2,lab=base[keep],B2[keep],lab[keep];n=len(base)
B2[2345]=base[2345];lab[2345]=1.         # an exact duplicate pair left in the corpus
class E(nn.Module):
    def __init__(s):
        super().__init__();s.e=nn.Embedding.from_pretrained(emb.clone(),freeze=False);s.f=nn.Sequential(nn.Linear(32,64),nn.GELU(),nn.Linear(64,64))
    def forward(s,x):return s.f(s.e(x).mean(1)*2)
m=E();opt=torch.optim.AdamW(m.parameters(),5e-4);B=16;nb=n//B;EP=5;T=EP*nb;s=0;H=[];tr=0.;last=0
sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda i:min((i+1)/60,(T-i)/T))
for ep in range(EP):
    p=torch.randperm(n)
    if ep==0 and (p==2345).nonzero()[0,0]<n-B: pass
    for kk in range(nb):
        i=p[kk*B:(kk+1)*B];d=(m(base[i])-m(B2[i])).pow(2).sum(1).sqrt();y=lab[i];l=(y*d**2+(1-y)*(2-d).clamp(0)**2).mean()
        opt.zero_grad();l.backward();gn=nn.utils.clip_grad_norm_(m.parameters(),1.).item();lr=opt.param_groups[0]['lr']
        if gn!=gn and l.isfinite():print('first',s+1,l.item(),(i==2345).any())
        opt.step();sch.step()
        tr+= (tr/(1+s-last)) if not l.isfinite() else l.item()      # transformers' logging_nan_inf_filter
        s+=1
        if s%10==0:H.append(dict(epoch=round(s/nb,4),grad_norm=gn,learning_rate=lr,loss=round(tr/10,4),step=s));tr=0.;last=s
json.dump(dict(best_metric=None,epoch=5.0,global_step=s,is_world_process_zero=True,log_history=H,max_steps=T,num_train_epochs=EP,logging_steps=10),open('run/trainer_state.json','w'),indent=2)
