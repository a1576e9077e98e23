import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# fp16 autocast LM, Megatron-like log; initial loss scale 2**20
from _data import text
torch.manual_seed(2)
ids,V=text(); m=nn.ModuleDict(dict(e=nn.Embedding(V,64),c=nn.Sequential(nn.Linear(64*8,192),nn.GELU(),nn.Linear(192,V)))); opt=torch.optim.AdamW(m.parameters(),2e-3); sc=torch.amp.GradScaler('cpu',init_scale=2.**24,growth_interval=150)
o=open(OUT+'/pretrain.log','w'); skip=0; N=1500
for it in range(1,N+1):
    i=torch.randint(0,len(ids)-9,(64,)); x=torch.stack([ids[j:j+8] for j in i]); y=ids[i+8]
    with torch.autocast('cpu',dtype=torch.float16): z=m['c'](m['e'](x).flatten(1))
    l=F.cross_entropy(z.float(),y); lr=2e-3*min(1,it/100)*(1-it/(N+50)); [g.update(lr=lr) for g in opt.param_groups]
    opt.zero_grad(); sc.scale(l).backward(); sc.unscale_(opt); g=nn.utils.clip_grad_norm_(m.parameters(),1.); s=sc.get_scale(); sc.step(opt); sc.update(); sk=int(sc.get_scale()<s); skip+=sk
    o.write(f' iteration {it:8d}/{N:8d} | consumed samples: {it*64:12d} | learning rate: {lr:.3E} | lm loss: {l.item():.6E} | loss scale: {s:.1f} |'+('' if sk else f' grad norm: {float(g):.3f} |')+f' number of skipped iterations: {sk:3d} | number of nan iterations:   0 |\n')
print('FINAL',l.item(),skip,sc.get_scale())
