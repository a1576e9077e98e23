import torch,torch.nn as nn,os
torch.manual_seed(0);os.makedirs('run',exist_ok=True);f=open('run/out.log','w')
m=nn.GRU(12,96,batch_first=True);h=nn.Linear(96,10);ps=[*m.parameters(),*h.parameters()];o=torch.optim.Adam(ps,4e-3);s=0
eye=torch.eye(12)
for ep in range(1,6):
    L=1+ep  # sequence copy, longer each stage
    for k in range(500):
        y=torch.randint(0,10,(64,L));x=torch.cat([eye[y],eye[torch.full((64,L),11)]],1);lg=h(m(x)[0][:,L:]);l=nn.functional.cross_entropy(lg.flatten(0,1),y.flatten())*L
        o.zero_grad();l.backward();nn.utils.clip_grad_norm_(ps,1.);o.step();s+=1
        if k%20==19:print(f"[stage {ep}] step {s} loss={l.item():.4f} token_acc={(lg.argmax(-1)==y).float().mean().item():.3f}",file=f)
