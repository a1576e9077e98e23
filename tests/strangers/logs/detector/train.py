import torch,torch.nn as nn,os,math
torch.manual_seed(2);os.makedirs('run',exist_ok=True);f=open('run/results.csv','w');f.write('epoch,iter,box_loss,obj_loss,cls_loss,total,lr\n')
g=torch.Generator().manual_seed(7);N=1200
X=torch.zeros(N,1,20,20);Bx=torch.zeros(N,4);C=torch.randint(0,3,(N,),generator=g)
for i in range(N):
    a=torch.randint(0,10,(2,),generator=g);b=torch.randint(3,10,(2,),generator=g);x,y=a.tolist();W,H=b.tolist()
    X[i,0,y:y+H,x:x+W]=[.5,1.,-1.][C[i]];Bx[i]=torch.tensor([x+W/2,y+H/2,W,H])/20
X+=.2*torch.randn(X.shape,generator=g)
Bx[977,2:]=0.                       # a click instead of a box in the annotation tool
def ciou(p,t):
    px,py,pw,ph=p.unbind(1);tx,ty,tw,th=t.unbind(1)
    iw=(torch.min(px+pw/2,tx+tw/2)-torch.max(px-pw/2,tx-tw/2)).clamp(0);ih=(torch.min(py+ph/2,ty+th/2)-torch.max(py-ph/2,ty-th/2)).clamp(0)
    I=iw*ih;U=pw*ph+tw*th-I;iou=I/(U+1e-7)
    cw=torch.max(px+pw/2,tx+tw/2)-torch.min(px-pw/2,tx-tw/2);ch=torch.max(py+ph/2,ty+th/2)-torch.min(py-ph/2,ty-th/2)
    d=((px-tx)**2+(py-ty)**2)/(cw**2+ch**2+1e-7)
    v=4/math.pi**2*(torch.atan(tw/th)-torch.atan(pw/ph))**2
    with torch.no_grad(): al=v/(v-iou+1+1e-7)
    return 1-iou+d+al*v
class M(nn.Module):
    def __init__(s):
        super().__init__();s.b=nn.Sequential(nn.Conv2d(1,16,3,2,1),nn.SiLU(),nn.Conv2d(16,32,3,2,1),nn.SiLU(),nn.Flatten(),nn.Linear(800,64),nn.SiLU());s.h=nn.Linear(64,4+1+3)
    def forward(s,x):return s.h(s.b(x))
m=M();opt=torch.optim.Adam(m.parameters(),1e-3);Bs=16;it=0
sch=torch.optim.lr_scheduler.CosineAnnealingLR(opt,30*75)
for ep in range(6):
    p=torch.randperm(N) if ep!=0 else torch.cat([torch.tensor([j for j in torch.randperm(N).tolist() if j!=977]),torch.tensor([977])])[:N-16] # first epoch: last batch is dropped by the warm-up
    for k in range(0,len(p),Bs):
        i=p[k:k+Bs];neg=torch.rand(len(i))<.25;x=X[i].clone();x[neg]=.2*torch.randn(int(neg.sum()),1,20,20)
        o=m(x);pos=~neg;lb=ciou(o[pos,:4].sigmoid(),Bx[i][pos]).mean();lo=nn.functional.binary_cross_entropy_with_logits(o[:,4],pos.float())
        lc=nn.functional.cross_entropy(o[pos,5:],C[i][pos]);L=5*lb+lo+.5*lc
        if not lb.isfinite() and lo.isfinite(): print('first',it,lb,lo,lc,(i==977).any())
        opt.zero_grad();L.backward();opt.step();sch.step()
        if it%1==0:f.write(f"{ep},{it},{lb.item():.5f},{lo.item():.5f},{lc.item():.5f},{L.item():.5f},{opt.param_groups[0]['lr']:.6f}\n")
        it+=1
    if ep==2 and not math.isfinite(L.item()): break
