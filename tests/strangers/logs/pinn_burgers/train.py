import torch, torch.nn as nn, math
torch.manual_seed(9); torch.set_num_threads(1)
mk = lambda: nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
net = mk(); log = open('run/train.log', 'w'); opt = torch.optim.Adam(net.parameters(), 3e-3); sch = torch.optim.lr_scheduler.MultiStepLR(opt, [2500, 4000], .2)
def train(a, b):
    for it in range(a, b):
        x = torch.rand(48, 1, requires_grad=True); u = net(x); du, = torch.autograd.grad(u.sum(), x, create_graph=True); ddu, = torch.autograd.grad(du.sum(), x, create_graph=True)
        pde = ((ddu + math.pi ** 2 * torch.sin(math.pi * x)) ** 2).mean() / 1e4; bc = (net(torch.tensor([[0.], [1.]])) ** 2).mean(); l = pde + bc; opt.zero_grad(); l.backward(); opt.step(); sch.step()
        if it % 10 == 0: log.write(f"It: {it}, Loss: {l.item():.3e}, PDE: {pde.item():.3e}, BC: {bc.item():.3e}, LR: {opt.param_groups[0]['lr']:.1e}\n")
train(0, 3000); ck = {'net': net.state_dict(), 'opt': opt.state_dict(), 'sch': sch.state_dict()}; torch.save(ck, 'ck.pt'); log.write("=> saved checkpoint\nWall time limit reached, exiting.\n")
net = mk(); opt = torch.optim.Adam(net.parameters(), 3e-3); sch = torch.optim.lr_scheduler.MultiStepLR(opt, [2500, 4000], .2); ck = torch.load('ck.pt'); net.load_state_dict(ck['net']); opt.load_state_dict(ck['opt']); sch.load_state_dict(ck['sch']); log.write("=> loaded checkpoint (iter 3000)\n"); train(3000, 5500)
