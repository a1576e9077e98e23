# airfoil surrogate: MLP on smooth response surface; job preempted at step 3000, continued from weights only (fresh Adam)
import torch, torch.nn as nn
torch.manual_seed(21); torch.set_num_threads(1)
X = torch.rand(4096, 4) * 2 - 1; Y = (torch.sin(3 * X[:, :1]) * X[:, 1:2] + .5 * torch.cos(2 * X[:, 2:3] + X[:, 3:4])) * 1.5
def make(): return nn.Sequential(nn.Linear(4, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU(), nn.Linear(128, 1))
def run(net, a, b, log):
    opt = torch.optim.Adam(net.parameters(), 3e-3, betas=(.9, .999)); m = 0; k = 0
    for step in range(a, b):
        for g in opt.param_groups: g['lr'] = 3e-3 * min(1, (step + 1) / 200) 
        ix = torch.randint(4096, (512,)); loss = ((net(X[ix]) - Y[ix]) ** 2).mean(); opt.zero_grad(); loss.backward(); opt.step(); m += loss.item(); k += 1
        if (step + 1) % 10 == 0: log.write(f"step {step+1:6d} | loss {m/k:.6f} | lr {opt.param_groups[0]['lr']:.2e}\n"); m = k = 0
log = open('run/train.log', 'w'); net = make(); log.write("training from scratch, params: %d\n" % sum(p.numel() for p in net.parameters())); run(net, 0, 3000, log)
torch.save(net.state_dict(), 'ck.pt'); log.write("saved checkpoint ckpt_003000.pt\n"); net = make(); net.load_state_dict(torch.load('ck.pt')); log.write("loading checkpoint ckpt_003000.pt\nresuming at step 3000\n"); run(net, 3000, 4500, log)
