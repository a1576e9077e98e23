import os,sys,csv,torch,torch.nn as nn,gymnasium as gym
torch.set_num_threads(1);torch.manual_seed(1);env=gym.make("CartPole-v1");env.reset(seed=1);pi=nn.Sequential(nn.Linear(4,32),nn.Tanh(),nn.Linear(32,2));opt=torch.optim.Adam(pi.parameters(),lr=1e-2)
w=csv.writer(open(sys.argv[1]+"/returns.csv","w"));w.writerow(["episode","policy_loss","return","length_ma"]);ma=20.
for e in range(260):
    s,_=env.reset();S,A,R=[],[],[];done=False
    while not done:
        with torch.no_grad():p=pi(torch.from_numpy(s)).softmax(0)
        a=int(torch.rand(())<p[1]);S.append(torch.from_numpy(s));A.append(a);s,r,t,tr,_=env.step(a);R.append(r);done=t or tr or len(R)>=300
    G=[];g=0
    for r in reversed(R):g=r+.99*g;G.append(g)
    G=torch.tensor(G[::-1]);b=G-G.mean() if len(G)>1 else G
    loss=-(pi(torch.stack(S)).log_softmax(1)[range(len(A)),A]*b/(G.std()+1e-6)).sum();opt.zero_grad();loss.backward();opt.step();ma=.95*ma+.05*len(R);w.writerow([e,loss.item(),sum(R),ma])
print("VERIFY ma",ma)
