import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# Lightning, manual optimisation, gradient accumulation over 16 micro-batches
import lightning as L, warnings; warnings.filterwarnings('ignore')
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader,TensorDataset
L.seed_everything(5,verbose=False)
X=torch.randn(9600,20); y=(X[:,:5].prod(1)*.5+torch.sin(X[:,6]*2)+X@torch.randn(20)*.5)[:,None]
class Reg(L.LightningModule):
    def __init__(s):
        super().__init__(); s.net=nn.Sequential(nn.Linear(20,64),nn.ReLU(),nn.Linear(64,64),nn.ReLU(),nn.Linear(64,1)); s.automatic_optimization=False
    def training_step(s,b,i):
        o=s.optimizers(); l=F.mse_loss(s.net(b[0]),b[1]); s.manual_backward(l/16 if FIX else l)
        if (i+1)%16==0: o.step(); o.zero_grad()
        s.log('train_loss',l,on_step=True,on_epoch=True); s.last=l.item()
    def configure_optimizers(s): return torch.optim.SGD(s.parameters(),lr=.02,momentum=.9)
m=Reg()
t=L.Trainer(max_epochs=10,accelerator='cpu',logger=CSVLogger(OUT,name='lightning_logs'),log_every_n_steps=5,enable_progress_bar=False,enable_model_summary=False,enable_checkpointing=False)
t.fit(m,DataLoader(TensorDataset(X,y),batch_size=16,shuffle=True)); print('FINAL',m.last, m.trainer.callback_metrics)
