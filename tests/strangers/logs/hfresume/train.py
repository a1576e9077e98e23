import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

# tiny GPT-2 with HF Trainer, stopped at 200, resumed with its full state
from _data import text
import shutil
from transformers import GPT2Config,GPT2LMHeadModel,Trainer,TrainingArguments,set_seed,TrainerCallback
set_seed(3)
ids,V=text(); D=[{'input_ids':ids[i*32:i*32+32],'labels':ids[i*32:i*32+32]} for i in range(4000)]
tmp='hfout'; shutil.rmtree(tmp,ignore_errors=True)
class Stop(TrainerCallback):
    def on_step_end(s,a,st,c,**k):
        if st.global_step==200: c.should_training_stop=True
def tr(): return Trainer(model=GPT2LMHeadModel(GPT2Config(vocab_size=V,n_positions=32,n_embd=48,n_layer=2,n_head=4)),args=TrainingArguments(tmp,max_steps=450,per_device_train_batch_size=16,learning_rate=3e-3,warmup_steps=50,logging_steps=10,save_steps=200,eval_strategy='steps',eval_steps=100,report_to=[],use_cpu=True,disable_tqdm=True,lr_scheduler_type='cosine'),train_dataset=D,eval_dataset=D[-200:])
a=tr(); a.add_callback(Stop()); a.train(); b=tr(); b.train(resume_from_checkpoint=tmp+'/checkpoint-200'); b.save_state()
shutil.copy(tmp+'/trainer_state.json',OUT+'/trainer_state.json'); print('FINAL',b.state.log_history[-2:],b.state.log_history[0])
