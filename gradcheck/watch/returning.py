"""Is the sample that stood out in the batch of the first spike in those of later ones as well?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gradcheck.model import Kind, Observation, RunReport
from gradcheck.watch.batch_sizes import PHASES, STANDS_OUT
from gradcheck.wording import number

SPIKES = frozenset({Kind.LOSS_SPIKE, Kind.GRADIENT_SPIKE})
MOST_LOOKS = 2
"""Later spikes that are run again."""
BEFORE = 3
"""Steps before each that tell what is usual there."""

Survey = Mapping[str, Any]


def returns(
    report: RunReport,
    seen: Sequence[Observation],
    survey: Callable[[int, int], Sequence[Survey]],
) -> Iterator[Observation]:
    """The sample that two spikes share; `seen`: what stood out in the batch of the first one.

    `survey` looks at the steps from the first number up to the second; nothing where it cannot.
    """
    keys = {key: phase for phase, (key, _) in PHASES.items()}
    first = next((one for one in seen if one.key in keys), None)
    if first is None or first.step is None or first.where is None or not first.where.samples:
        return
    later = {e.step for e in report.events if e.kind in SPIKES and e.step is not None}
    for step in sorted(at for at in later if at > first.step + 1)[:MOST_LOOKS]:
        surveys = survey(step - BEFORE, step)
        shared = _largest(surveys, keys[first.key]) & set(first.where.samples)
        if shared:
            yield Observation(
                "sample_returns",
                f"sample {', '.join(map(number, sorted(shared)[:3]))} is in the batch of step "
                f"{first.step}, and in that of step {step} again",
                first.step,
            )
            return


def _largest(surveys: Sequence[Survey], phase: str) -> set[int]:
    """The samples of the last step whose numbers are far larger than those of the others."""
    if len(surveys) < 2:
        return set()
    *others, last = (float(one[phase]["largest"]) for one in surveys)
    if last < STANDS_OUT * min(others):
        return set()
    return set(surveys[-1][phase].get("samples") or ())
