# sequence tagging, token targets -100 except for labelled ones; some batches have none at all (short unlabelled docs)
import os,sys,json,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(12);FIX=os.environ.get("FIX");V=120
emb=nn.Embedding(V,24);rn=nn.GRU(24,32,batch_first=True,bidirectional=True);hd=nn.Linear(64,7);P=[*emb.parameters(),*rn.parameters(),*hd.parameters()];opt=torch.optim.AdamW(P,lr=2e-3);log=[]
lab=torch.randint(7,(V,))
for s in range(1,361):
    x=torch.randint(V,(4,20));y=lab[x];keep=torch.rand(4,20)<.25;docs=torch.rand(4,1)<.62;y=y.masked_fill(~(keep&docs),-100);nt=int((y!=-100).sum())
    o=hd(rn(emb(x))[0])
    l=F.cross_entropy(o.flatten(0,1),y.flatten(),ignore_index=-100,reduction="sum")/(max(nt,1)) if FIX else F.cross_entropy(o.flatten(0,1),y.flatten(),ignore_index=-100)
    opt.zero_grad();l.backward();g=nn.utils.get_total_norm([p.grad for p in P]);opt.step()
    log.append(dict(step=s,epoch=round(s/120,4),loss=l.item(),grad_norm=g.item(),learning_rate=2e-3,n_target_tokens=nt))
    if l.isnan():bad=s
json.dump({"best_metric":None,"epoch":3.0,"global_step":360,"log_history":log,"max_steps":360,"num_train_epochs":3},open(sys.argv[1]+"/trainer_state.json","w"),indent=1)
print("VERIFY last",l.item(),"nan rows",sum(r["loss"]!=r["loss"] for r in log),[r["step"] for r in log if r["loss"]!=r["loss"]],log[-1]["grad_norm"])
