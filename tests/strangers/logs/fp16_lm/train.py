import torch, torch.nn as nn, torch.nn.functional as F, json
torch.manual_seed(10); torch.set_num_threads(1)
V = 80; Tm = (torch.randn(V, V) * 2).softmax(1); emit = torch.rand(V) < .05
def batch(B=8, L=20):
    s = [torch.randint(V, (B,))]
    for _ in range(L): s.append(torch.multinomial(Tm[s[-1]], 1)[:, 0])
    s = torch.stack(s, 1); return s[:, :-1], s[:, 1:]
net = nn.Sequential(nn.Embedding(V, 48), nn.Linear(48, 128), nn.ReLU(), nn.Linear(128, V)); opt = torch.optim.AdamW(net.parameters(), 3e-3); sch = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: min(1, s / 60) * max(0, 1 - s / 1500)); sc = torch.amp.GradScaler('cpu', init_scale=2. ** 20, growth_interval=60); H = []; m = 0
xv, yv = batch(100)
for st in range(1, 1501):
    x, y = batch()
    with torch.autocast('cpu', dtype=torch.float16): lo = net(x)
    l = F.cross_entropy(lo.float().reshape(-1, V), y.reshape(-1)); opt.zero_grad(); sc.scale(l).backward(); sc.unscale_(opt); g = nn.utils.clip_grad_norm_(net.parameters(), 1.); sc.step(opt); sc.update(); sch.step(); m += l.item()
    if st % 5 == 0: H.append({"epoch": round(st / 500, 3), "grad_norm": g.item(), "learning_rate": sch.get_last_lr()[0], "loss": round(m / 5, 4), "step": st}); m = 0
    if st % 250 == 0:
        with torch.no_grad(): H.append({"epoch": round(st / 500, 3), "eval_loss": F.cross_entropy(net(xv).reshape(-1, V), yv.reshape(-1)).item(), "eval_runtime": .01, "step": st})
json.dump({"epoch": 3.0, "global_step": 1500, "log_history": H, "max_steps": 1500}, open('run/trainer_state.json', 'w'), indent=2); print(sum(1 for h in H if 'grad_norm' in h and not h['grad_norm'] < 1e30), 'inf')
