"""Physics-informed network for a damped oscillator u'' + 0.4 u' + 4 u = 0, trained with LBFGS.

[truth]
family = "exploding_gradients"
causes = ["learning_rate_too_high"]
step = 0
window = 1
phase = "loss"
"""
import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float32)

t_col = torch.linspace(0, 4, 64).reshape(-1, 1).requires_grad_(True)
t0 = torch.zeros(1, 1, requires_grad=True)

net = torch.nn.Sequential(
    torch.nn.Linear(1, 24), torch.nn.Tanh(),
    torch.nn.Linear(24, 24), torch.nn.Tanh(),
    torch.nn.Linear(24, 1),
)


def grad(y, x):
    return torch.autograd.grad(y, x, torch.ones_like(y), create_graph=True)[0]


def residual():
    u = net(t_col)
    du = grad(u, t_col)
    ddu = grad(du, t_col)
    return ddu + 0.4 * du + 4.0 * u


def boundary():
    u = net(t0)
    return (u - 1.0).pow(2).mean() + grad(u, t0).pow(2).mean()


optimizer = torch.optim.LBFGS(net.parameters(), lr=12.0, max_iter=5, history_size=20)
trace = []


def closure():
    optimizer.zero_grad()
    loss = residual().pow(2).mean() + 10 * boundary()
    loss.backward()
    trace.append(loss.item())
    return loss


for outer in range(40):
    loss = optimizer.step(closure)
    if outer % 5 == 0:
        print("outer", outer, "loss", float(loss))
print("evaluations", len(trace), "last", trace[-1])
