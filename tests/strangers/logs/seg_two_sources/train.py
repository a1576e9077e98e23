# blob segmentation; from epoch 6 a second folder is added whose masks are 0/255 instead of 0/1
import os,sys,torch,torch.nn as nn,torch.nn.functional as F
from torch.utils.tensorboard import SummaryWriter
torch.set_num_threads(1);torch.manual_seed(21);FIX=os.environ.get("FIX");w=SummaryWriter(sys.argv[1])
yy,xx=torch.meshgrid(torch.arange(24.),torch.arange(24.),indexing="ij")
def batch(n,bad):
    c=torch.rand(n,2,1,1)*16+4;m=(((yy-c[:,0])**2+(xx-c[:,1])**2)<16+20*torch.rand(n,1,1)).float();im=m*.7+.5*torch.randn(n,24,24);t=m.clone()
    if bad:t[:2]*=255
    return im[:,None],t[:,None]
net=nn.Sequential(nn.Conv2d(1,12,3,padding=1),nn.ReLU(),nn.Conv2d(12,12,5,padding=2),nn.ReLU(),nn.Conv2d(12,1,3,padding=1));opt=torch.optim.Adam(net.parameters(),lr=1e-3);s=0
for ep in range(14):
    for k in range(40):
        im,t=batch(8,ep>=6 and not FIX);o=net(im);loss=F.binary_cross_entropy_with_logits(o,t);opt.zero_grad();loss.backward();opt.step()
        p=o.sigmoid();tt=(t>0).float();dice=(2*(p*tt).sum()/(p.sum()+tt.sum())).item();w.add_scalar("Loss/train",loss.item(),s);w.add_scalar("Dice/train",dice,s);w.add_scalar("learning_rate",1e-3,s);s+=1
w.close();print("VERIFY last",loss.item(),dice)
