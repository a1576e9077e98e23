# text classifier with batch norm in the head; 2049 training documents, batch 32, drop_last=False
import torch, torch.nn as nn, torch.nn.functional as F, json
torch.manual_seed(9); torch.set_num_threads(1)
n, V = 2049, 500; y = torch.randint(5, (n,)); cls = torch.randn(5, V) * 1.1
X = torch.stack([torch.multinomial(cls[c].softmax(0), 30, replacement=True) for c in y])
class M(nn.Module):
    def __init__(s): super().__init__(); s.e = nn.Embedding(V, 48); s.c = nn.Conv1d(48, 48, 3); s.b = nn.BatchNorm1d(48); s.o = nn.Linear(48, 5)
    def forward(s, x): h = F.relu(s.c(s.e(x).transpose(1, 2))); return s.o(s.b(h).amax(2))
net = M(); opt = torch.optim.AdamW(net.parameters(), 1e-3, weight_decay=.01); hist = []; step = 0
Xv, yv = X[:300], y[:300]; per = 65
for ep in range(14):
    net.train(); P = torch.randperm(n)
    for k in range(0, n, 32):
        ix = P[k:k+32]; lo = net(X[ix]); loss = F.cross_entropy(lo, y[ix], reduction='sum') / len(ix)
        opt.zero_grad(); loss.backward(); g = nn.utils.clip_grad_norm_(net.parameters(), 1e9); opt.step(); step += 1
        if step % 5 == 0: hist.append({"epoch": round(step / per, 4), "grad_norm": round(g.item(), 5), "learning_rate": 1e-3, "loss": round(loss.item(), 4), "step": step})
json.dump({"best_metric": None, "epoch": 14.0, "global_step": step, "log_history": hist}, open('run/trainer_state.json', 'w'), indent=1)
