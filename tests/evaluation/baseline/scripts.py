"""The small trainings on which the baseline gate is judged, each different from the others."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from tests.evaluation.baseline.training import Batch, Script

DATA = 20_240_501
"""Seeds the data, which is the same in every run of a script."""


def _adam(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), rate)


def _adamw(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.95), weight_decay=0.05)


def _momentum(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), rate, momentum=0.9)


def _sgd(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), rate)


def _rmsprop(model: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(model.parameters(), rate)


def _fixed() -> Generator:
    return Generator().manual_seed(DATA)


def _mlp(*widths: int, kind: type[nn.Module] = nn.Tanh) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        layers: list[nn.Module] = []
        for fan_in, fan_out in pairwise(widths):
            layers += [nn.Linear(fan_in, fan_out), kind()]
        return nn.Sequential(*layers[:-1])

    return make


def _regression(size: int, noise: float, tail: float = 0.0) -> Batch:
    """Mean squared error on a smooth function; with a tail, a few targets are far off."""
    g = _fixed()
    x = torch.randn(2048, 8, generator=g)
    w = torch.randn(8, 4, generator=g) / 2
    y = torch.sin(x @ w).sum(1, keepdim=True) + noise * torch.randn(2048, 1, generator=g)

    def batch(model: nn.Module, g: Generator) -> Tensor:
        rows = torch.randint(0, 2048, (size,), generator=g)
        target = y[rows]
        if tail:
            normal = torch.randn(size, 1, generator=g)
            chi = torch.randn(size, 3, generator=g).square().mean(1, keepdim=True)
            target = target + tail * normal / chi.sqrt().clamp_min(0.02)
        return F.mse_loss(model(x[rows]), target)

    return batch


def _images(size: int, noise: float, classes: int = 6) -> Batch:
    """Cross-entropy on patterns under noise."""
    pattern = torch.randn(classes, 1, 8, 8, generator=_fixed())

    def batch(model: nn.Module, g: Generator) -> Tensor:
        label = torch.randint(0, classes, (size,), generator=g)
        image = pattern[label] + noise * torch.randn(size, 1, 8, 8, generator=g)
        return F.cross_entropy(model(image), label)

    return batch


def _cnn(classes: int = 6, norm: bool = False) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1),
            nn.BatchNorm2d(8) if norm else nn.Identity(),
            nn.ReLU(),
            nn.Conv2d(8, 12, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(12 * 16, classes),
        )

    return make


def _chain(size: int, length: int, tokens: int = 16) -> Tensor:
    """A text written by a Markov chain."""
    g = _fixed()
    odds = torch.softmax(2.0 * torch.randn(tokens, tokens, generator=g), 1)
    text = torch.zeros(size, length, dtype=torch.long)
    text[:, 0] = torch.randint(0, tokens, (size,), generator=g)
    for at in range(1, length):
        text[:, at] = torch.multinomial(odds[text[:, at - 1]], 1, generator=g)[:, 0]
    return text


def _language(size: int, tokens: int = 16, length: int = 17) -> Batch:
    text = _chain(1024, length, tokens)

    def batch(model: nn.Module, g: Generator) -> Tensor:
        rows = text[torch.randint(0, len(text), (size,), generator=g)]
        said = model(rows[:, :-1])
        return F.cross_entropy(said.flatten(0, 1), rows[:, 1:].flatten())

    return batch


class Transformer(nn.Module):
    """One block of causal attention."""

    def __init__(self, tokens: int = 16, width: int = 32) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(tokens, width), nn.Embedding(16, width)
        self.block = nn.TransformerEncoderLayer(
            width, 2, 64, dropout=0.0, batch_first=True, norm_first=True
        )
        self.head = nn.Linear(width, tokens)

    def forward(self, text: Tensor) -> Tensor:
        length = text.shape[1]
        mask = torch.full((length, length), -math.inf).triu(1)
        hidden = self.embed(text) + self.place.weight[:length]
        out: Tensor = self.head(self.block(hidden, src_mask=mask))
        return out


class Recurrent(nn.Module):
    """A network that reads a sequence and gives something for each place, or for the whole."""

    def __init__(self, kind: str, inputs: int, width: int, outputs: int, gain: float = 1.0) -> None:
        super().__init__()
        cells = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
        self.cell = cells[kind](inputs, width, batch_first=True)
        self.head = nn.Linear(width, outputs)
        with torch.no_grad():
            self.cell.weight_hh_l0.mul_(gain)

    def forward(self, sequence: Tensor) -> Tensor:
        out: Tensor = self.head(self.cell(sequence)[0])
        return out


class Speller(nn.Module):
    """A recurrent language model."""

    def __init__(self, kind: str, width: int = 32, gain: float = 1.0) -> None:
        super().__init__()
        self.embed, self.cell = nn.Embedding(16, 16), Recurrent(kind, 16, width, 16, gain)

    def forward(self, text: Tensor) -> Tensor:
        out: Tensor = self.cell(self.embed(text))
        return out


def _adding(size: int, length: int) -> Batch:
    """The sum of two marked numbers of a sequence: gradients through time have heavy tails."""

    def batch(model: nn.Module, g: Generator) -> Tensor:
        value = torch.rand(size, length, generator=g)
        mark = torch.zeros(size, length)
        half = length // 2
        first = torch.randint(0, half, (size,), generator=g)
        second = torch.randint(half, length, (size,), generator=g)
        rows = torch.arange(size)
        mark[rows, first], mark[rows, second] = 1.0, 1.0
        told = model(torch.stack([value, mark], 2))[:, -1, 0]
        return F.mse_loss(told, (value * mark).sum(1))

    return batch


def _outliers(size: int, share: float, scale: float) -> Batch:
    """Logistic regression on features of which some rows are far too large."""
    g = _fixed()
    w = torch.randn(12, generator=g)

    def batch(model: nn.Module, g: Generator) -> Tensor:
        x = torch.randn(size, 12, generator=g)
        label = (x @ w + 0.7 * torch.randn(size, generator=g) > 0).float()
        odd = torch.rand(size, generator=g) < share
        x = torch.where(odd[:, None], scale * torch.randn(size, 12, generator=g), x)
        return F.binary_cross_entropy_with_logits(model(x)[:, 0], label)

    return batch


def _autoencoder(size: int) -> Batch:
    g = _fixed()
    basis = torch.randn(4, 24, generator=g)

    def batch(model: nn.Module, g: Generator) -> Tensor:
        x = torch.tanh(torch.randn(size, 4, generator=g) @ basis)
        return F.mse_loss(model(x + 0.1 * torch.randn(size, 24, generator=g)), x)

    return batch


def _spirals(size: int, flipped: float) -> Batch:
    """Three spirals with a share of wrong labels."""
    g = _fixed()
    label = torch.arange(1500) % 3
    turn = torch.rand(1500, generator=g)
    angle = 4.0 * turn + label * 2 * math.pi / 3 + 0.15 * torch.randn(1500, generator=g)
    x = 2.0 * torch.stack([turn * angle.cos(), turn * angle.sin()], 1)
    wrong = torch.rand(1500, generator=g) < flipped
    label = torch.where(wrong, torch.randint(0, 3, (1500,), generator=g), label)

    def batch(model: nn.Module, g: Generator) -> Tensor:
        rows = torch.randint(0, 1500, (size,), generator=g)
        return F.cross_entropy(model(x[rows]), label[rows])

    return batch


def _waves(size: int, length: int) -> Batch:
    """The next value of a sum of two waves under noise."""

    def batch(model: nn.Module, g: Generator) -> Tensor:
        time = torch.arange(length + 1) / 3
        speed = 0.5 + torch.rand(2, size, 1, generator=g)
        start = 6.3 * torch.rand(2, size, 1, generator=g)
        wave = torch.sin(speed * time + start).sum(0)
        wave = wave + 0.2 * torch.randn(size, length + 1, generator=g)
        return F.mse_loss(model(wave[:, :-1, None])[..., 0], wave[:, 1:])

    return batch


SCRIPTS: tuple[Script, ...] = (
    Script(
        "regression_sgd", _mlp(8, 40, 1, kind=nn.ReLU), _regression(32, 0.3), _sgd, 0.08, 500, 1
    ),
    Script("regression_adam", _mlp(8, 64, 1), _regression(24, 0.4), _adam, 0.06, 1000, 10),
    Script(
        "spirals_momentum", _mlp(2, 32, 32, 3, kind=nn.ReLU), _spirals(48, 0.1), _momentum, 0.2,
        600, 1, None, "drop",
    ),
    Script("images_adamw", _cnn(8), _images(24, 3.0, 8), _adamw, 0.03, 300, 1, None, "cosine"),
    Script("images_sgd", _cnn(5, norm=True), _images(20, 3.0, 5), _momentum, 0.05, 160, 1),
    Script("denoising_rmsprop", _mlp(24, 24, 3, 24, 24), _autoencoder(48), _rmsprop, 2e-2, 800, 10),
    Script("transformer", Transformer, _language(12), _adamw, 0.1, 400, 2, 1.0, "cosine"),
    Script("speller_sgd", lambda: Speller("gru"), _language(16), _momentum, 1.0, 400, 1, 1.0),
    Script(
        "speller_clipped", lambda: Speller("rnn", 48), _language(16), _momentum, 2.0, 400, 1, 0.2,
        "drop",
    ),
    Script(
        "waves_clipped", lambda: Recurrent("rnn", 1, 24, 1, 2.0), _waves(24, 16), _momentum, 0.6,
        500, 1, 0.2,
    ),
    Script(
        "adding_clipped", lambda: Recurrent("rnn", 2, 16, 1, 2.0), _adding(32, 16), _sgd, 0.6,
        500, 1, 0.4,
    ),
    Script("heavy_clipped", _mlp(8, 24, 1), _regression(24, 0.2, 0.3), _sgd, 1.0, 500, 5, 0.4),
)  # fmt: skip


def named(name: str) -> Script:
    """The script of that name."""
    return next(script for script in SCRIPTS if script.name == name)
