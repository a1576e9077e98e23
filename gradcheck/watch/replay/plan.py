"""Chooses what to try against a failure: from the diagnosis, the likeliest repair first."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck.model import NONFINITE, STANDSTILL, Kind, RunReport
from gradcheck.model.inside import EARLIER, FLOAT32, FREEZE, SKIP_ONSET
from gradcheck.proving import EXAMINATIONS
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import Trouble
from gradcheck.weight_table import causes

FEW = 6
PLAUSIBLE = 0.05
"""Probability from which on a cause's repairs are tried."""
ANY = ("skip_batch", "lower_learning_rate", "clip_gradients")
"""What tells the families apart, whatever the cause may be."""
SAMPLES = "without_samples"
SPIKES = frozenset({Kind.LOSS_SPIKE, Kind.GRADIENT_SPIKE})


def choose(report: RunReport, trouble: Trouble, *, everything: bool = False) -> list[str]:
    """Ids of changes: the repairs of the causes in question, then what helps against any."""
    known = catalogue.changes()
    causes_of = causes()
    likely = [d.cause for d in report.diagnoses if d.confidence >= PLAUSIBLE][:3]
    repairs = [name for cause in likely for name in causes_of[cause].trials]
    wanted = [*_guards(report), *repairs[:FEW], *ANY]
    if trouble.onset is not None and trouble.onset < trouble.tick:
        wanted.append(SKIP_ONSET)
    if trouble.samples and SAMPLES not in wanted:
        wanted.insert(1 if repairs else 0, SAMPLES)
    if everything:
        wanted += [name for name in sorted(known) if name not in EXAMINATIONS]
    kinds = {event.kind for event in report.events if event.series}
    if Kind.DIVERGENCE in kinds:  # does training drive the loss up, or its data or scale?
        wanted.append(FREEZE)
    if kinds & SPIKES and kinds.isdisjoint(NONFINITE):  # is it the batches, or the weights?
        wanted.append(EARLIER)
    if kinds & STANDSTILL:  # does anything round its gradients to 0?
        wanted.append(FLOAT32)
    usable = dict.fromkeys(name for name in wanted if name in known)
    if trouble.onset is None or trouble.onset >= trouble.tick:
        usable.pop(SKIP_ONSET, None)  # the failing step is the first
    return [name for name in usable if name != SAMPLES or trouble.samples]


def _guards(report: RunReport) -> list[str]:
    """What guards the operation that failed."""
    where = report.diagnoses[0].where if report.diagnoses else None
    if where is None or where.op is None:
        return []
    operation = where.op.removeprefix("aten::").strip("_")
    return [name for name, kind in catalogue.changes().items() if operation in kind.operations]


def rank(name: str, order: Sequence[str]) -> int:
    """How likely a change was thought to be the repair; the lowest first."""
    return list(order).index(name) if name in order else len(order)
