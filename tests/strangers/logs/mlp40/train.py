import torch,torch.nn as nn,os,sys
torch.manual_seed(int(sys.argv[1]) if len(sys.argv)>1 else 0);os.makedirs('run',exist_ok=True);f=open('run/log.csv','w');f.write('step,train_loss,lr,gnorm\n')
m=nn.Sequential(nn.Linear(40,256),nn.ReLU(),nn.Linear(256,1));o=torch.optim.SGD(m.parameters(),.03,weight_decay=5e-4,momentum=.9);a=0
for s in range(1,5001):
    x=torch.randint(0,2,(64,40)).float()*2-1;y=(x[:,3]*x[:,7]*x[:,15]+1)/2
    l=nn.functional.binary_cross_entropy_with_logits(m(x).squeeze(1),y);o.zero_grad();l.backward();gn=sum((p.grad**2).sum() for p in m.parameters()).sqrt().item();o.step();a+=l.item()
    if s%10==0:f.write(f"{s},{a/10:.5f},0.03,{gn:.4f}\n");a=0
