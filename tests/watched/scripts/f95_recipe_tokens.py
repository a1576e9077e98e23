"""Predicts the rating of recipes from their ingredients (EmbeddingBag).

[truth]
family = "bad_data"
causes = ["index_out_of_range"]
step = 5
window = 0
phase = "crash"
samples = [318]
"""
import random

import torch
from torch import nn

VOCABULARY = [f"ingredient{k}" for k in range(50)]
INDEX = {word: k for k, word in enumerate(VOCABULARY)}

random.seed(8)
torch.manual_seed(8)
recipes, ratings = [], []
for n in range(500):
    words = random.sample(VOCABULARY, random.randint(3, 8))
    ids = [INDEX[w] for w in words]
    if n == 318:
        ids.append(len(VOCABULARY))  # unknown word
    recipes.append(torch.tensor(ids))
    ratings.append(sum(k % 5 for k in ids) / len(ids))
ratings = torch.tensor(ratings)

bag = nn.EmbeddingBag(len(VOCABULARY), 12, mode="mean")
head = nn.Linear(12, 1)
opt = torch.optim.Adam([*bag.parameters(), *head.parameters()], lr=0.02)
order = list(range(500))
it = 0
for epoch in range(3):
    random.shuffle(order)
    for start in range(0, 500, 20):
        rows = order[start : start + 20]
        flat = torch.cat([recipes[r] for r in rows])
        lengths = torch.tensor([0] + [len(recipes[r]) for r in rows[:-1]])
        vectors = bag(flat, lengths.cumsum(0))  # <- culprit
        loss = nn.functional.mse_loss(head(vectors).squeeze(1), ratings[rows])
        opt.zero_grad()
        loss.backward()
        opt.step()
        it += 1
        if it % 10 == 0:
            print(it, round(loss.item(), 4))
