import sys,torch,torch.nn as nn,torch.nn.functional as F
torch.set_num_threads(1);torch.manual_seed(6);net=nn.Sequential(nn.Linear(24,96),nn.ReLU(),nn.Linear(96,96),nn.ReLU(),nn.Linear(96,7));opt=torch.optim.AdamW(net.parameters(),lr=2e-3);sc=torch.amp.GradScaler("cpu",init_scale=2.**28,growth_interval=60);mu=torch.randn(7,24)*.5;log=open(sys.argv[1]+"/console.txt","w")
for it in range(1,1001):
    y=torch.randint(7,(64,));x=mu[y]+torch.randn(64,24)
    with torch.autocast("cpu",dtype=torch.float16):l=F.cross_entropy(net(x),y)
    opt.zero_grad();sc.scale(l).backward();sc.unscale_(opt);g=nn.utils.clip_grad_norm_(net.parameters(),1.);o=sc.get_scale();sc.step(opt);sc.update();sk=sc.get_scale()<o
    print(f" iteration {it:8d}/    1000 | learning rate: 2.000E-03 | global batch size:    64 | lm loss: {l.item():.6E} | loss scale: {o:.1f} |"+("" if sk else f" grad norm: {g.item():.3f} |")+f" number of skipped iterations: {int(sk)} | number of nan iterations: 0 |",file=log)
print("VERIFY",l.item(),sc.get_scale())
