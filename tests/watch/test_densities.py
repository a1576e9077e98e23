"""Densities whose width a model predicts, told from their graph; first what only looks like one."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Laplace, Normal
from torch.nn import functional as F

from gradcheck.watch.densities import learns_width

Loss = Callable[[], Tensor]
SAMPLES = 16
Y = torch.linspace(-2.0, 2.0, SAMPLES)


def out(width: int = 2) -> Tensor:
    """What a model makes of a batch."""
    torch.manual_seed(0)
    made: Tensor = nn.Linear(4, width)(torch.randn(SAMPLES, 4))
    return made


def normalised(x: Tensor) -> Tensor:
    """A layer normalisation by hand."""
    centred = x - x.mean(1, keepdim=True)
    scaled: Tensor = centred / (centred.pow(2).mean(1, keepdim=True) + 1e-5).sqrt()
    return scaled


def by_hand(x: Tensor) -> Tensor:
    """A softmax without its function."""
    powers = (x - x.max()).exp()
    shares: Tensor = powers / powers.sum(1, keepdim=True)
    return shares


def mixture() -> Tensor:
    """The likelihood of a mixture of two."""
    made = out(6)
    inner = Normal(made[:, :2], made[:, 2:4].exp()).log_prob(Y[:, None])
    likelihood: Tensor = (inner + made[:, 4:].log_softmax(1)).logsumexp(1).mean()
    return -likelihood


OTHERS: dict[str, Loss] = {
    "a squared error": lambda: F.mse_loss(out()[:, 0], Y),
    "a squared error by hand": lambda: ((out()[:, 0] - Y) ** 2).mean(),
    "a weighted one": lambda: (torch.rand(SAMPLES) * (out()[:, 0] - Y) ** 2).mean(),
    "an error relative to its target": lambda: ((out()[:, 0] - Y) / (Y.abs() + 1)).pow(2).mean(),
    "a fixed width": lambda: -Normal(out()[:, 0], 0.3).log_prob(Y).mean(),
    "a width with a floor": lambda: (
        (out()[:, 0] - Y).pow(2) / out()[:, 1].clamp_min(-3.0).exp()
    ).mean(),
    "a classifier": lambda: F.cross_entropy(out(3), torch.zeros(SAMPLES, dtype=torch.long)),
    "a softmax by hand": lambda: -by_hand(out(3))[:, 0].log().mean(),
    "a normalisation by hand": lambda: normalised(out(3)).pow(2).mean(),
    "an angle": lambda: -F.cosine_similarity(out(3), torch.randn(SAMPLES, 3)).mean(),
    "the divergence of a VAE": lambda: (
        -0.5 * (1 + out()[:, 1] - out()[:, 0].pow(2) - out()[:, 1].exp()).mean()
    ),
    "a gate": lambda: (out()[:, 0] * out()[:, 1].sigmoid()).pow(2).mean(),
    "counts": lambda: F.poisson_nll_loss(out()[:, 0], Y.abs()),
}
DENSITIES: dict[str, Loss] = {
    "by the function": lambda: F.gaussian_nll_loss(out()[:, 0], Y, out()[:, 1].exp()),
    "by the logarithm of the variance": lambda: (
        0.5 * (out()[:, 1] + (out()[:, 0] - Y) ** 2 / out()[:, 1].exp()).mean()
    ),
    "by the negative exponential": lambda: (
        0.5 * (out()[:, 1] + (out()[:, 0] - Y) ** 2 * torch.exp(-out()[:, 1])).mean()
    ),
    "by a softplus": lambda: -Normal(out()[:, 0], F.softplus(out()[:, 1])).log_prob(Y).mean(),
    "standardised": lambda: (
        ((Y - out()[:, 0]) / out()[:, 1].exp()).pow(2).mean() + out()[:, 1].mean()
    ),
    "of Laplace": lambda: -Laplace(out()[:, 0], out()[:, 1].exp()).log_prob(Y).mean(),
    "a mixture": mixture,
    "a weight of a task": lambda: (
        F.mse_loss(out()[:, 0], Y) * torch.exp(-out()[0, 1]) + out()[0, 1]
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_density_of_a_learned_width(name: str) -> None:
    assert not learns_width(OTHERS[name]().grad_fn)


@pytest.mark.parametrize("name", DENSITIES)
def test_a_learned_width(name: str) -> None:
    assert learns_width(DENSITIES[name]().grad_fn)
