# travel-time regression; job cut at 1000, resumed cleanly from the checkpoint at 800 -> steps 801..1000 appear twice in the console log
import sys, os, copy, torch
from torch import nn
torch.set_num_threads(1); torch.manual_seed(47); os.makedirs(sys.argv[1], exist_ok=True)
X = torch.randn(6000, 9); Y = 20+8*(X[:, 0]*X[:, 1]).tanh()+5*X[:, 2].relu()+3*(X[:, 3]+X[:, 4]).sin()+torch.randn(6000)
m = nn.Sequential(nn.Linear(9, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 1)); o = torch.optim.AdamW(m.parameters(), 2e-3)
f = open(sys.argv[1]+'/slurm-48213.out', 'w'); ck = None
def part(a, b):
    global ck
    for s in range(a, b+1):
        i = torch.randint(0, 5500, (32,)); l = nn.functional.smooth_l1_loss(m(X[i])[:, 0], Y[i]); o.zero_grad(); l.backward(); o.step()
        if s % 10 == 0: print(f'step={s} loss={l.item():.4f} lr=2.00e-03', file=f)
        if s % 200 == 0:
            with torch.no_grad(): print(f'step={s} eval_mae={(m(X[5500:])[:, 0]-Y[5500:]).abs().mean().item():.4f}', file=f)
        if s == 800: ck = copy.deepcopy((m.state_dict(), o.state_dict())); print('saved checkpoint ckpt_800.pt', file=f)
print('srun: job 48213 started', file=f); part(1, 1000)
print('slurmstepd: error: *** JOB 48213 CANCELLED DUE TO PREEMPTION ***\nsrun: job 48213 requeued\nresuming from ckpt_800.pt', file=f)
m.load_state_dict(ck[0]); o.load_state_dict(ck[1]); part(801, 2000); print('done', file=f)
