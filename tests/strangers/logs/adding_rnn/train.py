# running-sum tracking with a ReLU RNN (hidden weights N(0,.25)), second stage uses 10x longer sequences, no clipping
import os,sys,torch,torch.nn as nn
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(3);FIX=os.environ.get("FIX");w=SummaryWriter(sys.argv[1])
class N(nn.Module):
    def __init__(s):
        super().__init__();s.r=nn.RNN(1,40,nonlinearity="relu",batch_first=True);s.o=nn.Linear(40,1);nn.init.normal_(s.r.weight_hh_l0,std=.25)
    def forward(s,x):return s.o(s.r(x)[0])[:,:,0]
m=N();opt=torch.optim.SGD(m.parameters(),lr=.06)
for step in range(500):
    L=16 if step<350 else 160;x=torch.randn(32,L,1);y=torch.nn.functional.conv1d(torch.nn.functional.pad(x.transpose(1,2),(7,0)),torch.ones(1,1,8))[:,0]/2.83
    loss=((m(x)-y)**2).mean();opt.zero_grad();loss.backward();g=nn.utils.clip_grad_norm_(m.parameters(),1.) if FIX else nn.utils.get_total_norm([p.grad for p in m.parameters()]);opt.step()
    w.add_scalar("train/mse",loss.item(),step);w.add_scalar("train/grad_norm",g.item(),step);w.add_scalar("data/seq_len",L,step)
w.close();print("VERIFY last",loss.item(),"L",L)
