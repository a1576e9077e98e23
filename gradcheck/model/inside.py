"""What only the inside of a training shows: observations, their place, and what replays proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FREEZE, EARLIER = "freeze_weights", "earlier_weights"
SKIP, SKIP_ONSET = "skip_batch", "skip_onset"
SLOWER, FASTER = "lower_learning_rate", "raise_learning_rate"
FLOAT32 = "float32"
"""Changes whose outcome is evidence, whatever the cause may be; each is a module of its name."""
WEIGHED = "loss_weighed_both_ways"
"""The observation that a loss is a surrogate, of a policy's gradient say, and measures nothing."""
NO_GRADIENT = "gradients_missing"
"""The observation that most of what an optimizer is to train never gets a gradient."""
OTHER_MODEL = "other_model_begins"
"""The observation that from a step on another model is trained: another run in the same script."""
OVERWRITTEN = "weights_written_outside"
"""The observation that something other than an update wrote to weights, gradients or moments."""
NEGATED = "loss_negated"
"""The observation that backward begins at the negative of an error, which training makes large."""
BOOTSTRAPPED = "targets_are_predictions"
"""The observation that a loss measures the distance to what a model predicted, as in Q-learning."""


@dataclass(frozen=True)
class Where:
    """The place of a fault inside the script, as far as it is known."""

    phase: str
    module: str | None = None
    op: str | None = None
    file: str | None = None
    line: int | None = None
    samples: tuple[int, ...] | None = None
    rank: int | None = None


@dataclass(frozen=True)
class Observation:
    """A fact that `watch` saw in a step; the clue of the same key weighs it."""

    key: str
    statement: str
    """One checkable sentence with its numbers."""
    step: int | None = None
    strength: float = 1.0
    """From 0 to 1: how clearly it was seen."""
    values: Mapping[str, float] = field(default_factory=dict)
    where: Where | None = None


@dataclass(frozen=True)
class Trial:
    """What a replay with one change applied showed."""

    outcome: str
    """prevented, delayed, or not_prevented."""
    steps: int
    """How many steps were run from the one that had failed on."""
    returned_at_step: int | None = None
    final_loss: float | None = None


LEARNED = "learned/"
"""What begins the names of learned single numbers in a record of `watch`."""


@dataclass(frozen=True)
class Tried:
    """One change, and what came of it."""

    change: str
    """The id of the change: the name of its module in `watch/changes`."""
    action: str
    """The change as advice."""
    snippet: str | None
    trial: Trial
    healthy: bool = True
    """Whether it left a training behind that goes on as before: its loss is in line."""
    gradient: float | None = None
    """The median of its gradient norms."""


@dataclass(frozen=True)
class Replay:
    """The last steps run again: whether the failure came back, and what kept it away."""

    method: str
    """fork, rollback or rerun."""
    reproduced: bool
    bit_exact: bool
    snapshot_step: int | None = None
    tried: tuple[Tried, ...] = ()
    """The best first."""
    idle: tuple[str, ...] = ()
    """Changes that had nothing to change."""
    stalled: bool = False
    """Whether the failure was that nothing was learned: gone means that the loss fell."""
    finite: bool = False
    """Whether it was a spike or a divergence of finite numbers."""
