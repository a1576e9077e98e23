import torch, torch.nn as nn, torch.nn.functional as F, json
torch.manual_seed(12); torch.set_num_threads(1)
cent = torch.randn(12, 26)
class Pool(nn.Module):   # attentive statistics pooling: mean and std over frames
    def forward(s, h): m = h.mean(1, keepdim=True); v = ((h - m) ** 2).mean(1); return torch.cat([m[:, 0], torch.sqrt(v)], 1)
body = nn.Sequential(nn.Linear(26, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()); pool = Pool(); head = nn.Linear(128, 12)
P = list(body.parameters()) + list(head.parameters()); opt = torch.optim.AdamW(P, 1e-3, weight_decay=.01); sc = torch.amp.GradScaler('cpu', init_scale=65536., growth_interval=200)
f = open('run/metrics.jsonl', 'w')
for step in range(1, 1201):
    y = torch.randint(12, (32,)); x = cent[y][:, None] * .8 + torch.randn(32, 40, 26) * 2.5
    drop = torch.rand(32) < .12 * min(1, max(0, step - 300) / 300); x[drop] = 0       # augmentation: muted clips, ramped in
    with torch.autocast('cpu', dtype=torch.float16): h = body(x); z = pool(h.float()); loss = F.cross_entropy(head(z).float(), y)
    opt.zero_grad(); sc.scale(loss).backward(); sc.unscale_(opt); g = nn.utils.clip_grad_norm_(P, 10.); sc.step(opt); sc.update()
    if step % 10 == 0: f.write(json.dumps({"step": step, "loss": round(loss.item(), 5), "loss_scale": sc.get_scale()}) + "\n")
    if step < 420 and not torch.isfinite(g): print(step, loss.item(), (z == 0).any().item(), (z[:, 64:] == 0).sum().item(), sc.get_scale())
