"""The last ReLU is closed for every image right from the initialisation (fc2 gives negative
numbers), so the prediction is 0, all gradients are exactly 0.0 at every step and the loss of an
epoch is constant (30.874).

[truth]
family = "stalled_training"
causes = ["dead_units", "nothing_learned"]
step = 2
window = 3
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import Dataset, DataLoader

# hi all, my crowd counter always predicts 0, what am I doing wrong?? minimal example below


class Crowd(Dataset):
    def __init__(self, n=800):
        g = torch.Generator().manual_seed(3)
        self.imgs, self.counts = [], []
        for _ in range(n):
            k = int(torch.randint(5, 60, (1,), generator=g))
            img = 0.1 * torch.rand(1, 24, 24, generator=g)
            pos = torch.randint(0, 24, (k, 2), generator=g)
            img[0, pos[:, 0], pos[:, 1]] += 0.8
            self.imgs.append(img)
            self.counts.append(float(k))

    def __len__(self):
        return len(self.imgs)

    def __getitem__(self, i):
        return self.imgs[i], torch.tensor(self.counts[i])


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3, padding=1)
        self.fc1 = nn.Linear(16 * 6 * 6, 32)
        self.fc2 = nn.Linear(32, 1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return F.relu(self.fc2(x)).squeeze(1)       # a count can not be negative


torch.manual_seed(3)
torch.set_num_threads(1)
model = Counter()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
criterion = nn.L1Loss()
loader = DataLoader(Crowd(), batch_size=16, shuffle=True)
for epoch in range(6):
    running_loss = 0.0
    for i, (inputs, labels) in enumerate(loader):
        optimizer.zero_grad()
        outputs = model(inputs)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item()
    print(f'[{epoch + 1}] loss: {running_loss / len(loader):.3f}  prediction: {outputs[:3].tolist()}')
