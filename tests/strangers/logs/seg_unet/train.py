# tiny segmentation net, masks read as uint8 0/255 and only cast to float
import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(8); torch.set_num_threads(1)
def batch(n=16):
    m = (F.interpolate(torch.randn(n, 1, 4, 4), size=32, mode='bilinear') > .4).float(); return m + .5 * torch.randn(n, 1, 32, 32), m * 255
net = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 1, 1))
opt = torch.optim.Adam(net.parameters(), 1e-3); log = open('run/train.log', 'w')
for ep in range(1, 13):
    tot = 0
    for i in range(1, 61):
        x, m = batch(); loss = F.binary_cross_entropy_with_logits(net(x), m); opt.zero_grad(); loss.backward(); opt.step(); tot += loss.item()
        if i % 10 == 0: log.write(f"Train Epoch: {ep} [{i*16}/960 ({100*i//60}%)]\tLoss: {loss.item():.6f}\n")
    log.write(f"====> Epoch: {ep} Average loss: {tot/60:.4f}\n")
