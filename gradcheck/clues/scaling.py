"""Does the loss scale show in the gradient norm, or is it too low for any gradient to survive?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck.case import Case, Clue, ClueKind, over
from gradcheck.measure.robust import finite, level
from gradcheck.measure.stretches import same_rows
from gradcheck.model import Evidence, FloatArray, Role, Series
from gradcheck.wording import number

BOTH = (Role.GRAD_NORM, Role.LOSS_SCALE)
CLUES = {
    "norm_follows_scale": ClueKind(
        "the gradient norm is as large as the loss scale makes it: it was logged scaled", BOTH
    ),
    "scale_stays_low": ClueKind(
        "the loss scale stays at 16 or less, where small gradients become 0", (Role.LOSS_SCALE,)
    ),
    "gradient_zero_from_start": ClueKind(
        "the gradient norm is exactly 0 from the first rows on", (Role.GRAD_NORM,)
    ),
}
SCALED = 1e3
"""Scale above which a scaled norm cannot pass for a true one."""
LOW = 16.0
LEAST_ROWS = 20
MOSTLY = 0.7
LEAST_GAPS, REGULAR = 3, 0.8


def observe(case: Case) -> Iterator[Clue]:
    """Compare norm and scale over the whole run."""
    scale, norm = case.run.get(Role.LOSS_SCALE), case.run.get(Role.GRAD_NORM)
    if scale is not None and norm is not None:
        yield from _follows(norm, scale)
    if scale is not None and len(finite(scale.value)) >= LEAST_ROWS:
        values = finite(scale.value)
        # 1 throughout is a scaler that is switched off
        low = float(np.mean(values <= LOW)) >= MOSTLY and not bool((values == 1.0).all())
        if low and bool((values > 0).all()) and np.isfinite(_loss_end(case)):
            said = f"the loss scale is {number(level(values))} for most of the run"
            yield Clue("scale_stays_low", over(scale, said))
    if norm is not None and len(norm) >= LEAST_ROWS and not case.failed:
        zeros = float(np.mean(norm.value == 0))
        if (
            zeros >= MOSTLY
            and not _is_updates_only(norm.value)
            and bool((norm.value[: LEAST_ROWS // 2] == 0).any())
        ):
            said = f"the gradient norm is exactly 0 in {zeros * 100:.0f}% of the rows"
            yield Clue("gradient_zero_from_start", over(norm, said))


def _is_updates_only(norms: FloatArray) -> bool:
    """Whether the norm is told at every few rows: gradients are accumulated in between."""
    gaps = np.diff(np.flatnonzero(norms != 0))
    return len(gaps) >= LEAST_GAPS and float(np.mean(gaps == np.median(gaps))) > REGULAR


def _loss_end(case: Case) -> float:
    return float(case.loss.value[-1]) if case.loss is not None and len(case.loss) else float("nan")


def _follows(norm: Series, scale: Series) -> Iterator[Clue]:
    """A norm of thousands that divided by the scale is ordinary, and jumps where the scale does."""
    rows, scale_rows = same_rows(norm, scale)
    norms, scales = norm.value[rows], scale.value[scale_rows]
    good = np.isfinite(norms) & np.isfinite(scales) & (norms > 0) & (scales > 0)
    norms, scales = norms[good], scales[good]
    if len(norms) < LEAST_ROWS or level(scales) < SCALED or level(norms) < 0.02 * level(scales):
        return
    true_norm = level(norms / scales)
    moved = float(np.log(scales).std())
    raw, divided = float(np.log(norms).std()), float(np.log(norms / scales).std())
    if moved > 0.2 and divided > raw:
        return
    said = (
        f"the gradient norm is {number(level(norms))} at a loss scale of {number(level(scales))}: "
        f"divided by it, an ordinary {number(true_norm)}"
    )
    window = (int(norm.step[0]), int(norm.step[-1]))
    yield Clue("norm_follows_scale", Evidence(said, norm.name, *window))
