"""A1 to A6: learning rates and schedules that the run cannot follow."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.training import Loop, train

EXPLODING = "exploding_gradients"


@failing(
    "A1", EXPLODING, "learning_rate_too_high", "diverges", "a learning rate below the limit 2/λ"
)
def sgd_beyond_stability(lab: Lab) -> Iterator[Row]:
    """Plain or heavy-ball gradient descent with a rate beyond 2/λ: it overshoots from the start."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder", "transformer")
    factor = lab.draw.log_uniform(10, 300)
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=1.0 if lab.repaired else factor)
    yield from train(lab, task, optimizer)


@failing(
    "A5", EXPLODING, "learning_rate_schedule", "diverges", "the rate stays where it was"
)
def rate_raised_at_once(lab: Lab) -> Iterator[Row]:
    """A step of the schedule multiplies the rate by 30 to 1000 in mid-run."""
    task = lab.task("mlp_regression", "cnn", "autoencoder", "rnn")
    factor, at = lab.draw.log_uniform(30, 1000), lab.middle()
    lab.enter(at, abrupt=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam")
    loop = Loop(schedule=lambda step: factor if step >= at and not lab.repaired else 1.0)
    yield from train(lab, task, optimizer, loop)
