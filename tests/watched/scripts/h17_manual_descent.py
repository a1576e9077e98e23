"""Polynomial regression with gradient descent written by hand, no optimizer at all.

[truth]
family = "healthy"
causes = []
"""
import torch

torch.manual_seed(17)
x = torch.linspace(-1, 1, 200)
y = torch.sin(3 * x) + 0.05 * torch.randn(200)
powers = torch.stack([x**k for k in range(6)], 1)
w = torch.zeros(6, requires_grad=True)
velocity = torch.zeros(6)

for step in range(300):
    batch = torch.randperm(200)[:40]
    loss = ((powers[batch] @ w - y[batch]) ** 2).mean()
    grad, = torch.autograd.grad(loss, w)
    with torch.no_grad():
        velocity = 0.9 * velocity + grad
        w -= 0.05 * velocity
    if step % 50 == 0:
        print(step, loss.item())
print("coefficients", [round(v, 3) for v in w.tolist()])
