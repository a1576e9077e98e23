"""Trains speaker embeddings so that the log-likelihood of the right speaker grows.

[truth]
family = "exploding_gradients"
causes = ["gradient_ascent", "unbounded_loss"]
step = 0
window = 50
"""
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Utterances(Dataset):
    def __init__(self, speakers=8, each=40):
        g = torch.Generator().manual_seed(2)
        voice = torch.randn(speakers, 13, generator=g)
        self.who = torch.arange(speakers).repeat_interleave(each)
        self.mfcc = voice[self.who] + 0.5 * torch.randn(speakers * each, 13, generator=g)

    def __len__(self):
        return len(self.who)

    def __getitem__(self, i):
        return self.mfcc[i], self.who[i]


class SpeakerNet(nn.Module):
    def __init__(self, speakers=8):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(13, 32), nn.ReLU(), nn.Linear(32, 16))
        self.classify = nn.Linear(16, speakers)

    def forward(self, x):
        return torch.log_softmax(self.classify(self.embed(x)), dim=1)


def main():
    torch.manual_seed(2)
    net = SpeakerNet()
    opt = torch.optim.SGD(net.parameters(), lr=0.05)
    for epoch in range(6):
        for x, who in DataLoader(Utterances(), batch_size=20, shuffle=True):
            logp = net(x)
            score = logp[torch.arange(len(who)), who].mean()
            opt.zero_grad()
            score.backward()
            opt.step()
        print(f"epoch {epoch} mean log-likelihood {score.item():.3f}")


main()
