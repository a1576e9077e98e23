import os,sys,math,json,time,csv,random
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F
torch.set_num_threads(1)
OUT=os.environ["OUT"]; FIX=os.environ.get("FIX")=="1"

import gymnasium as gym
from stable_baselines3 import PPO
from stable_baselines3.common.logger import configure
from stable_baselines3.common.evaluation import evaluate_policy
m=PPO('MlpPolicy','CartPole-v1',n_steps=256,batch_size=64,n_epochs=8,learning_rate=1e-3,seed=1,device='cpu'); m.set_logger(configure(OUT,['csv'])); m.learn(24000); print('FINAL',evaluate_policy(m,gym.make('CartPole-v1'),10))
