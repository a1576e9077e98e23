import sys,json,torch,torch.nn as nn,torch.nn.functional as F,os,glob,copy
torch.set_num_threads(1);torch.manual_seed(10);txt=open(os.path.dirname(os.__file__)+"/argparse.py").read();ch=sorted(set(txt));d=torch.tensor([ch.index(c) for c in txt]);V=len(ch);em=nn.Embedding(V,24);rn=nn.LSTM(24,64,batch_first=True);hd=nn.Linear(64,V);M=nn.ModuleList([em,rn,hd]);opt=torch.optim.RMSprop(M.parameters(),lr=2e-3);f=open(sys.argv[1]+"/train.jsonl","w")
def step(s):
    i=torch.randint(len(d)-41,(16,));x=torch.stack([d[k:k+41] for k in i]);l=F.cross_entropy(hd(rn(em(x[:,:-1]))[0]).flatten(0,1),x[:,1:].flatten());opt.zero_grad();l.backward();g=nn.utils.clip_grad_norm_(M.parameters(),1.);opt.step();return l.item(),g.item()
ck=None;t=0;s=0;jump=False
while s<650:
    if s==300 and not ck:ck=(copy.deepcopy(M.state_dict()),copy.deepcopy(opt.state_dict()))
    l,g=step(s);f.write(json.dumps({"step":s,"tokens":s*640,"train/loss":l,"train/grad_norm":g,"runtime":round(t*.013+(3600 if jump else 0),3)})+"\n");s+=1;t+=1
    if s==372 and not jump:M.load_state_dict(ck[0]);opt.load_state_dict(ck[1]);s=300;jump=True   # pre-empted, restarted from the checkpoint
print("VERIFY",l)
