"""Which runs are compared with which: pairs of seeds, and runs with a fault beside a sound one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.evaluation.baseline.runs import Wanted
from tests.evaluation.baseline.scripts import SCRIPTS
from tests.evaluation.baseline.training import FAULTS, Script

PAIRS = 17
"""Pairs of healthy seeds for each script; no seed is in two of them."""
FAULTY = {"rate": 5, "spike": 5, "clipping": 13}
"""Faulty runs for each script; few scripts clip."""
FIRST_HEALTHY, FIRST_FAULTY = 4000, 5000
"""Seeds that no constant of the method was chosen by."""
BASELINES = (1, 3)


@dataclass(frozen=True)
class Trial:
    """A run, and the good runs that it is held against."""

    script: str
    fault: str | None
    run: Wanted
    good: tuple[Wanted, ...]


def healthy(script: Script) -> list[Wanted]:
    """All healthy runs of a script."""
    return [(script.name, None, seed) for seed in range(FIRST_HEALTHY, FIRST_HEALTHY + 2 * PAIRS)]


def faulty(script: Script, fault: str) -> list[Wanted]:
    """All runs of a script with a fault; none where it clips nothing that could be taken away."""
    if fault == "clipping" and script.clip is None:
        return []
    return [(script.name, fault, FIRST_FAULTY + at) for at in range(FAULTY[fault])]


def everything() -> list[Wanted]:
    """All runs that are needed."""
    found: list[Wanted] = []
    for script in SCRIPTS:
        found += healthy(script)
        found += [run for fault in FAULTS for run in faulty(script, fault)]
    return found


def trials(baselines: int) -> Iterator[Trial]:
    """What is judged, with one baseline run or several: the healthy pairs, then the faults.

    The run of a healthy pair has an even seed, its baseline the odd seed after it; further
    baselines are the odd seeds that follow.
    """
    for script in SCRIPTS:
        sound = healthy(script)

        def good(at: int, sound: list[Wanted] = sound) -> tuple[Wanted, ...]:
            return tuple(sound[(2 * (at + i) + 1) % len(sound)] for i in range(baselines))

        for at in range(PAIRS):
            yield Trial(script.name, None, sound[2 * at], good(at))
        for fault in FAULTS:
            for at, run in enumerate(faulty(script, fault)):
                yield Trial(script.name, fault, run, good(at))
