"""Dec_opt.zero_grad() missing: decoder gradients accumulate forever (only the encoder optimizer
is zeroed).

[truth]
family = "exploding_gradients"
causes = ["missing_zero_grad"]
"""
import random
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.set_num_threads(1)
torch.manual_seed(3)
random.seed(3)

# In[2]:
VOCAB, SOS, LEN, HID, BATCH = 14, 0, 7, 64, 48

# In[3]:
pairs = []
for i in range(4000):
    s = [random.randint(1, 13) for _ in range(LEN)]
    pairs.append((s, sorted(s)))
src = torch.tensor([p[0] for p in pairs])
tgt = torch.tensor([p[1] for p in pairs])

# In[4]:
emb = nn.Embedding(VOCAB, 32)
encoder = nn.GRU(32, HID, batch_first=True)
demb = nn.Embedding(VOCAB, 32)
decoder = nn.GRU(32 + HID, HID, batch_first=True)
out = nn.Linear(2 * HID, VOCAB)

enc_opt = torch.optim.SGD(list(emb.parameters()) + list(encoder.parameters()), lr=0.3)
dec_opt = torch.optim.SGD(list(demb.parameters()) + list(decoder.parameters()) + list(out.parameters()), lr=0.3)

# In[5]:
history = []
for it in range(900):
    idx = torch.randint(0, len(src), (BATCH,))
    x, y = src[idx], tgt[idx]
    enc_opt.zero_grad()

    mem, h = encoder(emb(x))
    y_in = torch.cat([torch.full((BATCH, 1), SOS), y[:, :-1]], 1)
    ctx = mem.mean(1, keepdim=True).expand(-1, LEN, -1)
    dec, _ = decoder(torch.cat([demb(y_in), ctx], -1), h)
    att = torch.softmax(dec @ mem.transpose(1, 2) / HID ** 0.5, -1) @ mem
    logits = out(torch.cat([dec, att], -1))
    loss = F.cross_entropy(logits.reshape(-1, VOCAB), y.reshape(-1))

    loss.backward()
    enc_opt.step()
    dec_opt.step()
    history.append(loss.item())
    if it % 50 == 0:
        acc = (logits.argmax(-1) == y).float().mean()
        print(it, round(loss.item(), 4), "acc", round(acc.item(), 3))

# In[6]:
print("final loss", sum(history[-50:]) / 50)
