import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

import lightning as L, warnings; warnings.filterwarnings('ignore')
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.callbacks import LearningRateMonitor
from torch.utils.data import DataLoader,TensorDataset
L.seed_everything(1,verbose=False)
def data(n): z=torch.randn(n,3); x=z@torch.randn(3,6,generator=torch.Generator().manual_seed(3)); return .2*torch.tanh(x)+.01*torch.randn(n,6)
class Flow(L.LightningModule):
    def __init__(s): super().__init__(); s.n=nn.ModuleList([nn.Sequential(nn.Linear(3,64),nn.ReLU(),nn.Linear(64,6)) for _ in range(6)]); s.ls=nn.Parameter(torch.zeros(6))
    def nll(s,x):
        x=x*s.ls.exp(); ld=s.ls.sum()
        for f in s.n: a,b=x.chunk(2,1); c,t=f(a).chunk(2,1); c=torch.tanh(c); x=torch.cat([b*c.exp()+t,a],1); ld=ld+c.sum(1)
        return (.5*(x**2).sum(1)+3*math.log(2*math.pi)-ld).mean()
    def training_step(s,b,i): l=s.nll(b[0]); s.log('train_loss',l,on_step=True,on_epoch=True); return l
    def validation_step(s,b,i): s.log('val_loss',s.nll(b[0]))
    def on_before_optimizer_step(s,o): s.log_dict(L.pytorch.utilities.grad_norm(s,2) if False else {'grad_2.0_norm_total':torch.stack([p.grad.norm() for p in s.parameters()]).norm()})
    def configure_optimizers(s): o=torch.optim.Adam(s.parameters(),2e-3); return [o],[torch.optim.lr_scheduler.CosineAnnealingLR(o,25)]
t=L.Trainer(max_epochs=25,accelerator='cpu',gradient_clip_val=20.,logger=CSVLogger(OUT,name='flow'),log_every_n_steps=10,enable_progress_bar=False,enable_model_summary=False,enable_checkpointing=False,callbacks=[LearningRateMonitor('epoch')])
t.fit(Flow(),DataLoader(TensorDataset(data(3200)),64,shuffle=True),DataLoader(TensorDataset(data(640)),64)); print('FINAL',{k:float(v) for k,v in t.callback_metrics.items()})
