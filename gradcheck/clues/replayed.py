"""Is it the batches, or the weights that they meet? What replays of a finite trouble told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.events import is_beyond_reason
from gradcheck.model import Evidence, Role, Tried
from gradcheck.model.inside import EARLIER, FLOAT32, OVERWRITTEN, SKIP, SLOWER
from gradcheck.wording import number

MOSTLY = 0.5
LARGER = 1.5
"""Gradient norm of a replay over that of the run that shows more than rounding."""
CALM = 8
"""Steps without trouble after which the next one is another."""

CLUES = {
    "batch_alone_spikes": ClueKind(
        "the batch spikes at earlier weights as well, and without it nothing does", needs=()
    ),
    "batches_spike_anyway": ClueKind(
        "the batches spike at earlier weights as well, also those after the first", needs=()
    ),
    "spikes_return": ClueKind(
        "without the batch that spikes at earlier weights nothing does, until another comes",
        needs=(),
    ),
    "earlier_weights_calm": ClueKind(
        "the same batches do not spike at the weights of some steps before", needs=()
    ),
    "calm_at_lower_rate": ClueKind(
        "nor do they at a tenth of the learning rate, and training goes on as well", needs=()
    ),
    "gradients_back_in_float32": ClueKind(
        "gradients that were exactly 0 are none in float32", needs=()
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """What replays told of a spike, or of a run that stood still."""
    replay = case.run.replay
    if replay is None or not replay.reproduced or case.trigger is None:
        return
    tried = {one.change: one for one in replay.tried}
    if replay.stalled:
        yield from _underflow(case, tried.get(FLOAT32))
    else:
        yield from _batches_or_weights(case, tried, case.trigger.step)


def _batches_or_weights(case: Case, tried: Mapping[str, Tried], step: int | None) -> Iterator[Clue]:
    """Compare the batches at earlier weights with the batches after the one in question."""
    earlier, without = tried.get(EARLIER), tried.get(SKIP)
    if earlier is None:
        return
    if earlier.trial.outcome != "not_prevented":
        said = f"the batches of step {step} do not spike at the weights of some steps before"
        yield Clue("earlier_weights_calm", Evidence(said, None, step, step))
        slower = tried.get(SLOWER)
        if slower is not None and _stayed_away(slower):
            said = "nor is there a spike in the steps before them at a tenth of the learning rate"
            yield Clue("calm_at_lower_rate", Evidence(said, None, step, step))
    elif _came_with_the_step(case, step):
        return
    elif without is not None and _stayed_away(without):
        said = (
            f"the batch of step {step} spikes at the weights of some steps before as well, and "
            "nothing does without it"
        )
        yield Clue("batch_alone_spikes", Evidence(said, None, step, step))
    elif without is not None and _came_late(without, step):
        said = (
            f"the batch of step {step} spikes at the weights of some steps before as well; without "
            f"it the next spike is at step {without.trial.returned_at_step}"
        )
        yield Clue("spikes_return", Evidence(said, None, step, step))
    elif without is not None:
        said = (
            f"the batches from step {step} on spike at the weights of some steps before as well, "
            "and not the first of them alone"
        )
        yield Clue("batches_spike_anyway", Evidence(said, None, step, step))


def _came_with_the_step(case: Case, step: int | None) -> bool:
    """Whether it was no matter of the batch: what writes to weights does so to earlier ones too."""
    written = any(one.key == OVERWRITTEN and one.step == step for one in case.run.observations)
    return written or (case.trigger is not None and is_beyond_reason(case.trigger))


def _underflow(case: Case, wider: Tried | None) -> Iterator[Clue]:
    norm = case.gradient
    if norm is None or wider is None:
        return
    gradient, usual = wider.gradient or 0.0, float(np.median(norm.value))
    layers = case.run.every(Role.LAYER_GRAD_NORM)
    silent = next((one for one in (norm, *layers) if float(np.mean(one.value == 0)) > MOSTLY), None)
    if silent is not None and (_stayed_away(wider) or gradient > LARGER * usual):
        said = f"{silent.name} is exactly 0; the same steps in float32 "
        said += f"have a gradient of {number(gradient)}" if gradient > LARGER * usual else "learn"
        yield Clue("gradients_back_in_float32", Evidence(said, silent.name))


def _stayed_away(tried: Tried) -> bool:
    return tried.trial.outcome == "prevented" and tried.healthy


def _came_late(tried: Tried, step: int | None) -> bool:
    back = tried.trial.returned_at_step
    return tried.trial.outcome == "delayed" and back is not None and back - (step or 0) >= CALM
