import torch, json
torch.manual_seed(0)
U, I, d = 400, 300, 16
tu, ti = torch.randn(U, 8), torch.randn(I, 8)
P = (torch.randn(U, d) * .1).requires_grad_(); Q = (torch.randn(I, d) * .1).requires_grad_()
bu = torch.zeros(U, requires_grad=True); bi = torch.zeros(I, requires_grad=True)
f = open('run/log.jsonl', 'w'); acc = 0.; n = 0
for step in range(1, 1721):
    u = torch.randint(U, (256,)); i = torch.randint(I, (256,))
    r = ((tu[u] * ti[i]).sum(1) / 8 ** .5 + 3.5 + .3 * torch.randn(256)).clamp(1, 5)
    pred = 3.5 + bu[u] + bi[i] + (P[u] * Q[i]).sum(1)
    loss = ((pred - r) ** 2).mean() + 1e-4 * (P[u].pow(2).sum(1).mean() + Q[i].pow(2).sum(1).mean())
    loss.backward()
    with torch.no_grad():
        for p in (P, Q, bu, bi):
            p += 0.4 * p.grad        # wrong sign
            p.grad = None
    acc += loss.item(); n += 1
    if step % 20 == 0:
        f.write(json.dumps({"step": step, "train_mse": round(acc / n, 5)}) + "\n"); acc = 0.; n = 0
