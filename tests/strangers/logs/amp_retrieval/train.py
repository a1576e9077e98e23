# AMP fp16: from step 400 sequences with all-zero rows; norm = sqrt(sum x^2) has a nan gradient there, every step is skipped, scale collapses
from common import *
seed(9); d=out('e09_amp_retrieval'); L=TXT(d+'/console.log')
X=torch.randn(4000,32); t=torch.randn(32,16); Y=(X@t).argmax(1)
emb=nn.Sequential(nn.Linear(32,64,bias=True),nn.ReLU(),nn.Linear(64,32,bias=False)); cls=nn.Linear(32,16); m=nn.ModuleList([emb,cls])
opt=torch.optim.AdamW(m.parameters(),lr=2e-3); sc=torch.amp.GradScaler('cpu',init_scale=65536.,growth_interval=150)
for s in range(1,901):
    i=torch.randint(0,4000,(64,)); x=X[i]; keep=torch.ones(64,1)
    if s>400: keep[:4]=0        # phase 2 of the data: padded slots
    with torch.autocast('cpu',dtype=torch.float16):
        h=emb(x)*keep
        n=(h.float()**2).sum(1,keepdim=True).sqrt() if not FIX else ((h.float()**2).sum(1,keepdim=True)+1e-6).sqrt()
        h=h/(n+1e-6)*6; o=cls(h)
    ls=F.cross_entropy(o.float(),Y[i],reduction='none'); loss=(ls*keep[:,0]).sum()/keep.sum()
    opt.zero_grad(); scale=sc.get_scale(); sc.scale(loss).backward(); sc.unscale_(opt); g=gnorm(m); sc.step(opt); sc.update()
    if s%4==0: L(f"step={s} loss={loss.item():.4f} gnorm={g:.3f} scale={scale:g} lr=2.0e-03")
    if s%50==0: print(s,loss.item(),g,scale)
