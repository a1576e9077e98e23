# tiny convnet with autocast float16 + GradScaler; un-normalised activations grow; a layer's activation passes 65504 after input gain "augmentation"
import os,sys,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(23);FIX=os.environ.get("FIX");dt=torch.bfloat16 if FIX else torch.float16
class Net(nn.Module):
    def __init__(s):super().__init__();s.a=nn.Linear(32,64);s.b=nn.Linear(64,64);s.c=nn.Linear(64,5);s.ln=nn.LayerNorm(64)
    def forward(s,x):
        h=torch.relu(s.a(x));h=s.b(h);e=(h*h).sum(1,keepdim=True)*s.gain;return s.c(s.ln(h))+0*e.log1p() if False else s.c(s.ln(h*(1+e)))
net=Net();net.gain=1.;opt=torch.optim.Adam(net.parameters(),lr=4e-3);sc=torch.amp.GradScaler("cpu",init_scale=2.**14,growth_interval=200);mu=torch.randn(5,32)
log=open(sys.argv[1]+"/log.txt","w")
for it in range(1,501):
    y=torch.randint(5,(64,));x=(mu[y]+1.5*torch.randn(64,32))*4
    with torch.autocast("cpu",dtype=dt):l=F.cross_entropy(net(x).float(),y)
    opt.zero_grad();sc.scale(l).backward();sc.unscale_(opt);g=nn.utils.clip_grad_norm_(net.parameters(),1.);sc.step(opt);sc.update()
    print(f" iteration {it:8d}/     500 | learning rate: 4.000E-03 | lm loss: {l.item():.6E} | loss scale: {sc.get_scale():.1f} | grad norm: {g.item():.3f} |",file=log)
print("VERIFY last",l.item(),sc.get_scale())
