"""Small things to learn: a model, its data, its loss, and learning rates at which it trains."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.draw import Draw

SGD_AND_ADAM = {"sgd": 0.05, "momentum": 0.01, "adam": 2e-3, "adamw": 2e-3}


@dataclass
class Task:
    """Something that trains well; a recipe breaks one thing of it."""

    name: str
    model: nn.Module
    inputs: Tensor
    """(samples, ...), standardised, or token ids."""
    targets: Tensor
    """(samples, ...), float for a regression, class ids otherwise."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """Of the model's output and the targets of a batch, to a scalar."""
    rates: Mapping[str, float]
    """A sound learning rate for each of lab.OPTIMIZERS."""
    regression: bool = False
    classes: int = 0

    def __len__(self) -> int:
        return len(self.inputs)


def activation(draw: Draw) -> nn.Module:
    kind: type[nn.Module] = draw.one_of(nn.ReLU, nn.Tanh, nn.SiLU, nn.GELU)
    return kind()


def mlp(draw: Draw, inputs: int, outputs: int, depth: int | None = None) -> nn.Sequential:
    """A perceptron of 1 to 3 hidden layers, at times with a normalisation after each."""
    width = draw.one_of(16, 32, 64)
    norm = draw.one_of(None, None, nn.LayerNorm, nn.BatchNorm1d)
    act = draw.one_of(nn.ReLU, nn.Tanh, nn.SiLU, nn.GELU)
    layers: list[nn.Module] = []
    size = inputs
    for _ in range(depth or draw.integer(1, 3)):
        layers += [nn.Linear(size, width)]
        layers += [norm(width)] if norm else []
        layers += [act()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, outputs))


def _samples(draw: Draw) -> int:
    return draw.one_of(640, 1024, 1600)


def mlp_regression(draw: Draw) -> Task:
    features = draw.integer(4, 16)
    x = torch.randn(_samples(draw), features)
    direction = torch.randn(features, 1) / features**0.5
    noise = draw.log_uniform(0.05, 0.4)
    y = torch.sin(2 * x @ direction) + 0.3 * x[:, :1] + noise * torch.randn(len(x), 1)
    loss = draw.one_of(F.mse_loss, F.mse_loss, F.smooth_l1_loss)
    return Task("mlp_regression", mlp(draw, features, 1), x, y, loss, SGD_AND_ADAM, True)


def mlp_classification(draw: Draw) -> Task:
    features, classes = draw.integer(6, 20), draw.integer(3, 10)
    y = torch.randint(classes, (_samples(draw),))
    x = torch.randn(classes, features)[y] * draw.uniform(0.8, 1.6) + torch.randn(len(y), features)
    model = mlp(draw, features, classes)
    return Task("mlp_classification", model, x, y, F.cross_entropy, SGD_AND_ADAM, classes=classes)


def cnn_classification(draw: Draw) -> Task:
    classes, channels = draw.integer(3, 8), draw.one_of(6, 8, 12)
    y = torch.randint(classes, (_samples(draw),))
    x = torch.randn(classes, 1, 8, 8)[y] + draw.uniform(0.8, 1.5) * torch.randn(len(y), 1, 8, 8)
    norm: nn.Module = nn.BatchNorm2d(channels) if draw.maybe(0.5) else nn.Identity()
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        norm,
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * channels, classes),
    )
    return Task("cnn", model, x, y, F.cross_entropy, SGD_AND_ADAM, classes=classes)


class Recurrent(nn.Module):
    """A recurrent cell over (batch, time, features); its last state gives the output."""

    def __init__(self, cell: nn.Module, hidden: int, outputs: int) -> None:
        super().__init__()
        self.cell = cell
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        states: Tensor = self.cell(x)[0]
        out: Tensor = self.head(states[:, -1])
        return out


def recurrent_regression(draw: Draw) -> Task:
    time, hidden = draw.integer(8, 16), draw.one_of(16, 24)
    x = torch.randn(_samples(draw), time, 2)
    y = (x[:, :, 0].cumsum(1)[:, -1:] / time**0.5) + 0.2 * torch.randn(len(x), 1)
    cell = draw.one_of(nn.RNN, nn.GRU, nn.LSTM)(2, hidden, batch_first=True)
    rates = {"sgd": 0.03, "momentum": 0.005, "adam": 2e-3, "adamw": 2e-3}
    return Task("rnn", Recurrent(cell, hidden, 1), x, y, F.mse_loss, rates, True)


class Transformer(nn.Module):
    """A causal language model over token ids (batch, time) to logits (batch, time, vocabulary)."""

    def __init__(self, vocabulary: int, time: int, width: int, layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(0.02 * torch.randn(time, width))
        self.blocks = nn.ModuleList(Block(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x: Tensor = self.embedding(tokens) + self.position[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x))
        return logits


class Block(nn.Module):
    """Pre-norm attention with two heads, and a feed-forward layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        q, k, v = (
            part.view(batch, time, 2, width // 2).transpose(1, 2)
            for part in self.qkv(self.norm1(x)).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.proj(mixed.transpose(1, 2).reshape(batch, time, width))
        fed: Tensor = x + self.down(F.gelu(self.up(self.norm2(x))))
        return fed


def token_loss(logits: Tensor, tokens: Tensor) -> Tensor:
    """Cross-entropy of (batch, time, vocabulary) against (batch, time); -100 is ignored."""
    return F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), ignore_index=-100)


def language_model(draw: Draw) -> Task:
    vocabulary, time = draw.one_of(16, 32, 64), draw.integer(8, 16)
    following = torch.randperm(vocabulary)
    tokens = torch.randint(vocabulary, (_samples(draw), time + 1))
    for at in range(1, time + 1):
        follow = torch.rand(len(tokens)) < 0.75
        tokens[:, at] = torch.where(follow, following[tokens[:, at - 1]], tokens[:, at])
    model = Transformer(vocabulary, time, draw.one_of(16, 32), draw.integer(1, 2))
    rates = {"sgd": 0.3, "momentum": 0.05, "adam": 3e-3, "adamw": 3e-3}
    return Task(
        "transformer", model, tokens[:, :-1], tokens[:, 1:], token_loss, rates, classes=vocabulary
    )


def autoencoder(draw: Draw) -> Task:
    features, code = draw.one_of(16, 32), draw.integer(2, 5)
    factors = torch.randn(_samples(draw), code)
    x = torch.tanh(factors @ torch.randn(code, features)) + 0.1 * torch.randn(1, features)
    width = draw.one_of(24, 48)
    model = nn.Sequential(
        nn.Linear(features, width),
        activation(draw),
        nn.Linear(width, code),
        nn.Linear(code, width),
        activation(draw),
        nn.Linear(width, features),
    )
    return Task("autoencoder", model, x, x, F.mse_loss, SGD_AND_ADAM | {"sgd": 0.1}, True)


TASKS: Mapping[str, Callable[[Draw], Task]] = {
    "mlp_regression": mlp_regression,
    "mlp_classification": mlp_classification,
    "cnn": cnn_classification,
    "rnn": recurrent_regression,
    "transformer": language_model,
    "autoencoder": autoencoder,
}
