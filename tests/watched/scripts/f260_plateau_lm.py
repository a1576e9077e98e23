"""mode='max' on a falling loss: lr falls by 0.3 every 30 steps (0.002 to step 39, 6e-4 at 40,
1.8e-4 at 70, 5.4e-5 at 100, 1.6e-5 at 130 .

[truth]
family = "stalled_training"
causes = ["collapsed_learning_rate"]
step = 119
window = 81
"""
"""Tiny GRU language model on a synthetic Markov text; learning rate follows ReduceLROnPlateau on train loss."""
import torch
import torch.nn as nn
torch.set_num_threads(1)
torch.manual_seed(14)

V = 24
P = torch.softmax(3 * torch.randn(V, V), -1)
seq = [0]
for _ in range(8000):
    seq.append(torch.multinomial(P[seq[-1]], 1).item())
seq = torch.tensor(seq)

class GRULM(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = nn.Embedding(V, 16); self.g = nn.GRU(16, 32, batch_first=True); self.o = nn.Linear(32, V)
    def forward(self, x):
        return self.o(self.g(self.e(x))[0])

m = GRULM()
opt = torch.optim.Adam(m.parameters(), lr=2e-3)
sch = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, mode="max", factor=0.3, patience=2)
window = []
for step in range(600):
    i = torch.randint(0, len(seq) - 21, (16,))
    w = seq[i[:, None] + torch.arange(21)]
    loss = nn.functional.cross_entropy(m(w[:, :-1]).transpose(1, 2), w[:, 1:])
    opt.zero_grad(); loss.backward(); opt.step()
    window.append(loss.item())
    if len(window) == 10:
        mean = sum(window) / 10; window = []
        sch.step(mean)
        if step % 50 == 49:
            print(f"step {step + 1} loss {mean:.4f} ppl {torch.tensor(mean).exp():.2f}")
