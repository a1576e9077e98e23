"""Is only the evaluation broken, while training goes on?"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind, over
from gradcheck.model import Event, Evidence, Kind, Role, Series
from gradcheck.wording import count, number

CLUES = {
    "only_validation_failed": ClueKind(
        "the validation loss turns non-finite for good while the training loss stays finite",
        (Role.LOSS, Role.VALIDATION_LOSS),
    ),
    "nan_batch_before": ClueKind(
        "a training row was NaN shortly before the evaluation failed for good",
        (Role.LOSS, Role.VALIDATION_LOSS),
    ),
    "all_predictions_failed": ClueKind(
        "while the validation loss is not finite, its accuracy is the same to the last digit",
        (Role.VALIDATION_LOSS, Role.ACCURACY),
    ),
    "other_predictions_fine": ClueKind(
        "while the validation loss is not finite, its accuracy goes on to change",
        (Role.VALIDATION_LOSS, Role.ACCURACY),
    ),
    "validation_never_worked": ClueKind(
        "the validation loss has not been finite once", (Role.LOSS, Role.VALIDATION_LOSS)
    ),
    "validation_was_fine": ClueKind(
        "the validation loss had been finite before", (Role.LOSS, Role.VALIDATION_LOSS)
    ),
}

FOR_GOOD = 3
"""Evaluations that must have failed before it is for good."""
SAME_ROWS = 3
"""Evaluations whose accuracy must be the same."""


def observe(case: Case) -> Iterator[Clue]:
    """Compare the trigger's series with the training loss."""
    trigger, loss = case.trigger, case.run.get(Role.LOSS)
    broken = next(
        (s for s in case.run.every(Role.VALIDATION_LOSS) if trigger and s.name == trigger.series),
        None,
    )
    if trigger is None or trigger.kind is not Kind.NONFINITE_LOSS or broken is None or loss is None:
        return
    if not bool(np.isfinite(loss.value[-3:]).all()) or not loss.value[-3:].any():
        return  # exactly 0 is what some loggers write for NaN
    said = (
        f"{broken.name} is "
        f"{'NaN' if np.isnan(trigger.value or np.nan) else 'infinite'} from step "
        f"{trigger.step} on, while {loss.name} is finite to the end"
    )
    failed = int(np.count_nonzero(~np.isfinite(broken.value[broken.step >= (trigger.step or 0)])))
    yield Clue(
        "only_validation_failed",
        Evidence(said, broken.name, trigger.step, trigger.last_step),
        min(1.0, failed / FOR_GOOD),
    )
    yield from _nan_batch(loss, broken, trigger)
    yield from _same_accuracy(case, loss, broken)
    if not np.isfinite(broken.value).any():
        said = f"{broken.name} is not finite in any of its {count(len(broken), 'row')}"
        yield Clue("validation_never_worked", over(broken, said))
    good = int(np.count_nonzero(np.isfinite(broken.value)))
    if np.isfinite(broken.value[0]):
        said = f"the evaluation had worked {good} times before"
        yield Clue(
            "validation_was_fine", Evidence(said, broken.name, int(broken.step[0]), trigger.step)
        )


def _same_accuracy(case: Case, loss: Series, broken: Series) -> Iterator[Clue]:
    """Whether every prediction is the same one: NaN is never the largest, or always.

    A model that still works on the other samples goes on to change.
    """
    steps = broken.step[~np.isfinite(broken.value)]
    for right in case.run.every(Role.ACCURACY):
        meanwhile = right.value[np.isin(right.step, steps)]
        trained = float(np.ptp(loss.value[np.isfinite(loss.value)])) > 0
        if len(meanwhile) >= SAME_ROWS and trained and float(np.ptp(meanwhile)) == 0:
            said = (
                f"{right.name} is {number(float(meanwhile[0]))} in all {len(meanwhile)} rows in "
                f"which {broken.name} is not finite: every sample gets the same answer"
            )
            window = (int(steps[0]), int(steps[-1]))
            yield Clue("all_predictions_failed", Evidence(said, right.name, *window))
            return
        if _is_of_the_same(right, broken) and len(np.unique(meanwhile)) >= SAME_ROWS:
            said = (
                f"{right.name} goes on from {number(float(meanwhile[0]))} to "
                f"{number(float(meanwhile[-1]))} while {broken.name} is not finite: most samples "
                "get a sound answer"
            )
            window = (int(steps[0]), int(steps[-1]))
            yield Clue("other_predictions_fine", Evidence(said, right.name, *window))
            return


def _is_of_the_same(right: Series, broken: Series) -> bool:
    """Whether an accuracy is of the same evaluation, and not of training batches, by its name."""
    named = _words(broken.name) - {"loss"}
    return bool(named) and named <= _words(right.name)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", name.lower()))


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
