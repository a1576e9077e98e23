# tiny char transformer, nanoGPT-ish; warm-up that is never capped (forgot min(1, .))
import os,sys,math,time,torch,torch.nn as nn,torch.nn.functional as F,glob
torch.set_num_threads(1);torch.manual_seed(1337);FIX=os.environ.get("FIX");out=sys.argv[1]
txt="".join(open(f,errors="ignore").read() for f in sorted(glob.glob(os.path.dirname(os.__file__)+"/email/*.py")))[:200000]
ch=sorted(set(txt));st={c:i for i,c in enumerate(ch)};d=torch.tensor([st[c] for c in txt]);V=len(ch);T=32;B=16;C=48
class Blk(nn.Module):
    def __init__(s):
        super().__init__();s.l1=nn.LayerNorm(C);s.l2=nn.LayerNorm(C);s.qkv=nn.Linear(C,3*C);s.o=nn.Linear(C,C);s.m=nn.Sequential(nn.Linear(C,4*C),nn.GELU(),nn.Linear(4*C,C))
    def forward(s,x):
        b,t,_=x.shape;q,k,v=s.qkv(s.l1(x)).view(b,t,3,4,C//4).permute(2,0,3,1,4)
        x=x+s.o(F.scaled_dot_product_attention(q,k,v,is_causal=True).transpose(1,2).reshape(b,t,C));return x+s.m(s.l2(x))
class M(nn.Module):
    def __init__(s):
        super().__init__();s.e=nn.Embedding(V,C);s.p=nn.Parameter(torch.zeros(T,C));s.b=nn.Sequential(Blk(),Blk());s.h=nn.Linear(C,V)
    def forward(s,i):return s.h(s.b(s.e(i)+s.p))
m=M();opt=torch.optim.AdamW(m.parameters(),lr=1e-3,betas=(.9,.99));W=60
sch=torch.optim.lr_scheduler.LambdaLR(opt,lambda i:min(1,(i+1)/W) if FIX else ((i+1)/W)**2)
log=open(out+"/train.log","w");print(f"number of parameters: {sum(p.numel() for p in m.parameters())/1e6:.2f}M",file=log);print("num decayed parameter tensors: 11",file=log)
for it in range(700):
    ix=torch.randint(len(d)-T-1,(B,));x=torch.stack([d[i:i+T] for i in ix]);y=torch.stack([d[i+1:i+T+1] for i in ix]);t0=time.time()
    loss=F.cross_entropy(m(x).flatten(0,1),y.flatten());opt.zero_grad();loss.backward();g=nn.utils.clip_grad_norm_(m.parameters(),1.0);lr=sch.get_last_lr()[0];opt.step();sch.step()
    if it%10==0:print(f"iter {it}: loss {loss.item():.4f}, lr {lr:.3e}, grad_norm {g:.3f}, time {(time.time()-t0)*1e3:.2f}ms",file=log)
print("VERIFY last",loss.item())
