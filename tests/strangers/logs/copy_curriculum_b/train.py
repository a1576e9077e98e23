import sys,csv,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(5);V=6;rn=nn.GRU(V+1,48,batch_first=True);hd=nn.Linear(48,V);P=[*rn.parameters(),*hd.parameters()];opt=torch.optim.Adam(P,lr=4e-3);w=csv.writer(open(sys.argv[1]+"/curriculum.csv","w"));w.writerow(["update","length","loss_sum_per_seq","token_acc"]);L=1;ev={}
for s in range(1,1501):
    L=1+s//150;x=torch.randint(V,(48,L));i=torch.cat([x,torch.full((48,L),V)],1);o=hd(rn(F.one_hot(i,V+1).float())[0][:,L:]);l=F.cross_entropy(o.flatten(0,1),x.flatten(),reduction="sum")/48;opt.zero_grad();l.backward();nn.utils.clip_grad_norm_(P,1.);opt.step();acc=(o.argmax(2)==x).float().mean().item();ev.setdefault(L,[]).append(acc)
    if s%5==0:w.writerow([s,L,l.item(),acc])
print("VERIFY",{k:(round(v[0],2),round(sum(v[-20:])/20,2)) for k,v in ev.items()})
