# node classification on a citation-like graph, 5-layer GraphSAGE; Lightning-like metrics.csv
import torch, torch.nn as nn, csv, os
torch.set_num_threads(1); torch.manual_seed(1); os.makedirs('run/version_0', exist_ok=True)
N,C,F=3000,7,100; y=torch.randint(0,C,(N,)); X=(torch.rand(N,F)<.02+.1*(torch.arange(F)%C==y[:,None])).float()
src=torch.randint(0,N,(15000,)); same=torch.rand(15000)<.75
dst=torch.randint(0,N,(15000,)); 
byc=[torch.where(y==c)[0] for c in range(C)]
for e in torch.where(same)[0].tolist(): b=byc[int(y[src[e]])]; dst[e]=b[torch.randint(0,len(b),(1,))]
A=torch.sparse_coo_tensor(torch.stack([torch.cat([src,dst]),torch.cat([dst,src])]),torch.ones(30000),(N,N)).coalesce()
deg=torch.sparse.sum(A,1).to_dense().clamp(min=1)[:,None]
class S(nn.Module):
    def __init__(s,i,o):
        super().__init__(); s.w=nn.Parameter(torch.randn(2*i,o)); s.b=nn.Parameter(torch.zeros(o))
    def forward(s,h): return torch.cat([h,torch.sparse.mm(A,h)/deg],1)@s.w+s.b
L=nn.ModuleList([S(F,128),S(128,128),S(128,128),S(128,128),S(128,C)])
def net():
    h=X
    for i,l in enumerate(L):
        h=l(h)
        if i<4: h=h.relu()
    return h
tr=torch.rand(N)<.6; opt=torch.optim.SGD(L.parameters(),lr=0.01,momentum=0.9,weight_decay=5e-4)
f=open('run/version_0/metrics.csv','w',newline=''); W=csv.writer(f); W.writerow(['epoch','step','train_loss','val_acc','val_loss'])
open('run/version_0/hparams.yaml','w').write('hidden: 128\nlr: 0.01\nmomentum: 0.9\nnum_classes: 7\nnum_layers: 5\nweight_decay: 0.0005\n')
ix=torch.where(tr)[0]
for ep in range(40):
    p=ix[torch.randperm(len(ix))]
    for j in range(3):
        b=p[j*600:j*600+600]; o=net(); l=nn.functional.cross_entropy(o[b],y[b]); opt.zero_grad(); l.backward(); opt.step()
        if os.environ.get('DBG') and ep<2: print(ep,j,l.item(),[float(x.w.grad.norm()) for x in L])
        W.writerow([ep,ep*3+j,l.item(),'',''])
    with torch.no_grad(): o=net(); W.writerow([ep,ep*3+2,'',float((o[~tr].argmax(1)==y[~tr]).float().mean()),float(nn.functional.cross_entropy(o[~tr],y[~tr]))])
