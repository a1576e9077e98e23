"""Trains a two-layer GAT (dense, full batch) on a small citation graph.

[truth]
family = "unstable_loss"
causes = ["fully_masked_softmax"]
step = 0
window = 0
phase = "forward"
"""
from __future__ import division, print_function

import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Opt:
    seed = 72
    epochs = 200
    lr = 0.005
    weight_decay = 5e-4
    hidden = 8
    nb_heads = 4
    dropout = 0.4
    alpha = 0.2


opt = Opt()
np.random.seed(opt.seed)
torch.manual_seed(opt.seed)


def load_data(n=300, k=4, nfeat=60):
    print('Loading citation dataset...')
    labels = np.random.randint(0, k, n)
    same = labels[:, None] == labels[None, :]
    prob = np.where(same, 0.045, 0.004)
    adj = np.triu(np.random.rand(n, n) < prob, 1)
    adj = (adj + adj.T).astype(np.float32)
    proto = np.random.rand(k, nfeat) < 0.25
    feats = (np.random.rand(n, nfeat) < np.where(proto[labels], 0.30, 0.12)).astype(np.float32)
    feats /= np.maximum(feats.sum(1, keepdims=True), 1)
    perm = np.random.permutation(n)
    return (torch.from_numpy(adj), torch.from_numpy(feats), torch.from_numpy(labels),
            torch.from_numpy(perm[:80]), torch.from_numpy(perm[80:160]), torch.from_numpy(perm[160:]))


class GraphAttentionLayer(nn.Module):
    def __init__(self, in_features, out_features, dropout, alpha, concat=True):
        super(GraphAttentionLayer, self).__init__()
        self.dropout = dropout
        self.concat = concat
        self.out_features = out_features
        self.W = nn.Parameter(torch.empty(in_features, out_features))
        nn.init.xavier_uniform_(self.W.data, gain=1.414)
        self.a = nn.Parameter(torch.empty(2 * out_features, 1))
        nn.init.xavier_uniform_(self.a.data, gain=1.414)
        self.leakyrelu = nn.LeakyReLU(alpha)

    def forward(self, h, adj):
        Wh = torch.mm(h, self.W)
        Wh1 = torch.matmul(Wh, self.a[:self.out_features, :])
        Wh2 = torch.matmul(Wh, self.a[self.out_features:, :])
        e = self.leakyrelu(Wh1 + Wh2.T)
        e = e.masked_fill(adj == 0, float('-inf'))
        attention = F.softmax(e, dim=1)  # <- culprit
        attention = F.dropout(attention, self.dropout, training=self.training)
        h_prime = torch.matmul(attention, Wh)
        return F.elu(h_prime) if self.concat else h_prime


class GAT(nn.Module):
    def __init__(self, nfeat, nhid, nclass, dropout, alpha, nheads):
        super(GAT, self).__init__()
        self.dropout = dropout
        self.attentions = nn.ModuleList(
            [GraphAttentionLayer(nfeat, nhid, dropout, alpha, True) for _ in range(nheads)])
        self.out_att = GraphAttentionLayer(nhid * nheads, nclass, dropout, alpha, False)

    def forward(self, x, adj):
        x = F.dropout(x, self.dropout, training=self.training)
        x = torch.cat([att(x, adj) for att in self.attentions], dim=1)
        x = F.dropout(x, self.dropout, training=self.training)
        return F.log_softmax(self.out_att(x, adj), dim=1)


adj, features, labels, idx_train, idx_val, idx_test = load_data()
model = GAT(features.shape[1], opt.hidden, int(labels.max()) + 1, opt.dropout, opt.alpha, opt.nb_heads)
optimizer = torch.optim.Adam(model.parameters(), lr=opt.lr, weight_decay=opt.weight_decay)


def accuracy(output, y):
    return (output.argmax(1) == y).double().mean()


def train(epoch):
    t = time.time()
    model.train()
    optimizer.zero_grad()
    output = model(features, adj)
    loss_train = F.nll_loss(output[idx_train], labels[idx_train])
    loss_train.backward()
    optimizer.step()
    model.eval()
    with torch.no_grad():
        output = model(features, adj)
        loss_val = F.nll_loss(output[idx_val], labels[idx_val])
    if epoch % 10 == 0:
        print('Epoch: {:04d}'.format(epoch), 'loss_train: {:.4f}'.format(loss_train.item()),
              'loss_val: {:.4f}'.format(loss_val.item()),
              'acc_val: {:.4f}'.format(accuracy(output[idx_val], labels[idx_val]).item()),
              'time: {:.3f}s'.format(time.time() - t))


for epoch in range(opt.epochs):
    train(epoch)
model.eval()
print('Test accuracy: {:.4f}'.format(accuracy(model(features, adj)[idx_test], labels[idx_test]).item()))
