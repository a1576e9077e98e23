import torch,torch.nn as nn,os
torch.manual_seed(3);os.makedirs('run',exist_ok=True);f=open('run/train.log','w')
V=28;N=900
g=torch.Generator().manual_seed(5)
emb=torch.randn(V,20,generator=g)
def utt(i):
    L=int(torch.randint(3,9,(1,),generator=g));y=torch.randint(1,V,(L,),generator=g)
    rep=4 
    x=emb[y].repeat_interleave(rep,0)+0.8*torch.randn(L*rep,20,generator=g)
    if i==611: x=x[:13];y=torch.cat([y,torch.randint(1,V,(5,),generator=g)])  # audio cut short, transcript longer than the frames after subsampling
    return x,y
data=[utt(i) for i in range(N)]
class M(nn.Module):
    def __init__(s):
        super().__init__();s.c=nn.Conv1d(20,64,3,stride=2,padding=1);s.r=nn.GRU(64,64,batch_first=True,bidirectional=True);s.o=nn.Linear(128,V)
    def forward(s,x):return s.o(s.r(s.c(x.transpose(1,2)).relu().transpose(1,2))[0])
m=M();opt=torch.optim.AdamW(m.parameters(),1e-3);ctc=nn.CTCLoss();B=16;nb=(N+B-1)//B
print('Namespace(batch_size=16, lr=0.001, epochs=8, hidden=64, vocab=28, model=bigru-ctc)',file=f)
for ep in range(1,9):
    perm=torch.randperm(N);tot=0
    for k in range(nb):
        it=[data[j] for j in perm[k*B:(k+1)*B]]
        xl=torch.tensor([len(a) for a,_ in it]);x=nn.utils.rnn.pad_sequence([a for a,_ in it],batch_first=True)
        ol=(xl+1)//2;y=torch.cat([b for _,b in it]);yl=torch.tensor([len(b) for _,b in it])
        lo=m(x).log_softmax(-1).transpose(0,1);loss=ctc(lo,y,ol,yl)
        opt.zero_grad();loss.backward();gn=nn.utils.clip_grad_norm_(m.parameters(),5.);opt.step();tot+=loss.item()
        if loss.isinf().any() : print('INF',ep,k,gn)
        bar='#'*int(10*(k+1)/nb)+'-'*(10-int(10*(k+1)/nb))
        f.write(f"\rEpoch {ep}/8: {int(100*(k+1)/nb):3d}%|{bar}| {k+1}/{nb} [00:{(k+1)*7//nb:02d}<00:{7-(k+1)*7//nb:02d}, {8.1:.2f}it/s, loss={loss.item():.3f}, avg={tot/(k+1):.3f}, gnorm={gn:.2f}]")
    f.write('\n')
