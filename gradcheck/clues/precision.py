"""What does the loss scaler say, and is the run in half precision at all?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind, over
from gradcheck.measure.robust import finite
from gradcheck.model import Event, Evidence, Kind, Role, Series
from gradcheck.wording import number

NEEDS = (Role.LOSS, Role.LOSS_SCALE)
CLUES = {
    "scale_fell_beside_nan": ClueKind(
        "the loss scale is halved again and again while the loss is NaN", NEEDS
    ),
    "scale_fell_beside_finite_loss": ClueKind(
        "the loss scale is halved again and again while the loss is finite", NEEDS
    ),
    "scale_fell_first": ClueKind("the loss scale began to fall before the loss failed", NEEDS),
    "loss_scaler_active": ClueKind(
        "a loss scaler is at work, so the run is in half precision", NEEDS
    ),
    "no_loss_scaler": ClueKind("the loss scale is constantly 1: not a float16 run", NEEDS),
}


def observe(case: Case) -> Iterator[Clue]:
    """Read the loss scale around the failure."""
    scale = case.run.get(Role.LOSS_SCALE)
    if scale is None or not len(finite(scale.value)):
        return
    if bool((finite(scale.value) == 1.0).all()):
        yield Clue(
            "no_loss_scaler",
            over(scale, "the loss scale is 1 throughout: no float16 scaler is at work"),
        )
        return
    yield Clue(
        "loss_scaler_active",
        over(
            scale,
            f"a loss scaler is at work (scale {number(float(finite(scale.value).max()))} at most)",
        ),
    )
    collapses = [e for e in case.of_kind(Kind.LOSS_SCALE_COLLAPSE) if not e.recovered]
    if collapses and case.loss is not None:
        yield from _collapse(case, case.loss, scale, collapses[0])


def _collapse(case: Case, loss: Series, scale: Series, event: Event) -> Iterator[Clue]:
    assert event.step is not None and event.last_step is not None
    during = loss.value[(loss.step >= event.step) & (loss.step <= event.last_step)]
    start = scale.value[max(0, int(np.searchsorted(scale.order, event.order)) - 1)]
    end = scale.value[int(np.flatnonzero(scale.step <= event.last_step)[-1])]
    fell = (
        f"the loss scale fell from {number(float(start))} to {number(float(end))} "
        f"between steps {event.step} and {event.last_step}"
    )
    if len(during) and not np.isfinite(during).mean() > 0.5:
        said = (
            f"{fell} while the loss was not finite: the forward pass is broken, the "
            "scaler only reacts"
        )
        yield Clue("scale_fell_beside_nan", Evidence(said, scale.name, event.step, event.last_step))
    else:
        said = f"{fell} while the loss stayed finite: the scaled gradients overflow"
        yield Clue(
            "scale_fell_beside_finite_loss", Evidence(said, scale.name, event.step, event.last_step)
        )
    bad = np.flatnonzero(~np.isfinite(loss.value))
    if len(bad) and event.step < int(loss.step[bad[0]]) - case.cadence:
        said = (
            f"the loss scale began to fall at step {event.step}, the loss failed at "
            f"step {int(loss.step[bad[0]])}"
        )
        yield Clue(
            "scale_fell_first", Evidence(said, scale.name, event.step, int(loss.step[bad[0]]))
        )
