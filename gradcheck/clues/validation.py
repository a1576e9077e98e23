"""Is only the evaluation broken, while training goes on?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.model import Event, Evidence, Kind, Role, Series

CLUES = {
    "only_validation_failed": ClueKind(
        "the validation loss turns non-finite for good while the training loss stays finite",
        (Role.LOSS, Role.VALIDATION_LOSS),
    ),
    "nan_batch_before": ClueKind(
        "a training row was NaN shortly before the evaluation failed for good",
        (Role.LOSS, Role.VALIDATION_LOSS),
    ),
    "validation_was_fine": ClueKind(
        "the validation loss had been finite before", (Role.LOSS, Role.VALIDATION_LOSS)
    ),
}


def observe(case: Case) -> Iterator[Clue]:
    """Compare the trigger's series with the training loss."""
    trigger, loss = case.trigger, case.run.get(Role.LOSS)
    broken = next(
        (s for s in case.run.every(Role.VALIDATION_LOSS) if trigger and s.name == trigger.series),
        None,
    )
    if trigger is None or trigger.kind is not Kind.NONFINITE_LOSS or broken is None or loss is None:
        return
    if not bool(np.isfinite(loss.value[-3:]).all()):
        return
    said = (
        f"{broken.name} is "
        f"{'NaN' if np.isnan(trigger.value or np.nan) else 'infinite'} from step "
        f"{trigger.step} on, while {loss.name} is finite to the end"
    )
    yield Clue(
        "only_validation_failed", Evidence(said, broken.name, trigger.step, trigger.last_step)
    )
    yield from _nan_batch(loss, broken, trigger)
    good = int(np.count_nonzero(np.isfinite(broken.value)))
    if np.isfinite(broken.value[0]):
        said = f"the evaluation had worked {good} times before"
        yield Clue(
            "validation_was_fine", Evidence(said, broken.name, int(broken.step[0]), trigger.step)
        )


def _nan_batch(loss: Series, broken: Series, trigger: Event) -> Iterator[Clue]:
    """Whether training met a NaN between the last good evaluation and the first bad one."""
    good = broken.order[np.isfinite(broken.value) & (broken.order < trigger.order)]
    since = int(good[-1]) if len(good) else int(loss.order[0])
    between = (loss.order >= since) & (loss.order <= trigger.order)
    bad = np.flatnonzero(~np.isfinite(loss.value) & between)
    if len(bad):
        step = int(loss.step[bad[0]])
        said = (
            f"at step {step} {loss.name} is not finite and the run goes on; the next evaluation "
            "is the first one that fails"
        )
        yield Clue("nan_batch_before", Evidence(said, loss.name, step, trigger.step))
