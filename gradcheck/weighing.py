"""Weighs the clues of a case: log-odds add up per cause, and a softmax makes them probabilities."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradcheck import plugins, proving
from gradcheck.case import Case, Clue
from gradcheck.causes.base import Finding
from gradcheck.model import Diagnosis, Family, Missing, Rejection, Replay, Role, Severity, Where
from gradcheck.weight_table import Table, causes, clue_kinds, fitted

SHOWN = 0.03
"""Causes less probable than this are not told."""
MOST_SHOWN = 5
MOST_RULED_OUT = 4
TOLD = 3
"""Pieces of evidence that come before what was tried."""
PROOF = 5.0
"""Weight from which on what was seen inside proves a cause, and its place is that of the fault."""
RULED_OUT = -2.5
"""Weight at which a clue rules a rival out."""
SEPARATES = 2.5
"""Difference of weights at which a clue would tell two causes apart."""


def circumstance(case: Case) -> str:
    """Whether there is something to explain: the key of "none of these" in the table."""
    if case.trigger is None:
        return "quiet"
    if case.trigger.severity is Severity.WARNING:
        return "warned"
    return "failed" if case.failed else "passing"


def clues_of(case: Case) -> list[Clue]:
    """All that the questions of the `clues` folder find in a case."""
    questions = plugins.collect("clues", "observe").values()
    return [clue for observe in questions for clue in observe(case)]


@dataclass(frozen=True)
class Weighed:
    """The probability of every cause; what they leave is "none of these"."""

    clues: Mapping[str, Clue]
    probability: Mapping[str, float]
    table: Table
    proofs: Mapping[str, proving.Proof] = field(default_factory=dict)
    """What replays say of causes."""

    @property
    def none(self) -> float:
        """The probability of "none of these"."""
        return 1.0 - sum(self.probability.values())

    @property
    def supported(self) -> float:
        """The probability of all causes for which a key clue was seen, together."""
        seen = self.clues.keys()
        return sum(p for name, p in self.probability.items() if self.table.keys[name] & seen)

    def family(self, family: Family) -> float:
        """The probability that the cause is one of this family."""
        return sum(p for name, p in self.probability.items() if causes()[name].family is family)

    @property
    def families(self) -> list[tuple[Family, float]]:
        """Families with their probability, the most probable first."""
        return sorted(((f, self.family(f)) for f in Family), key=lambda pair: -pair[1])


def weigh(
    clues: Sequence[Clue],
    circumstance: str,
    table: Table | None = None,
    replay: Replay | None = None,
) -> Weighed:
    """Add up prior and weights of each cause, against "none of these" in that circumstance."""
    table = table or fitted()
    none = table.none[circumstance]
    strengths: dict[str, float] = {}
    for clue in clues:
        strengths[clue.key] = strengths.get(clue.key, 0.0) + clue.strength
    judged = {name: proving.of_cause(cause.trials, replay) for name, cause in causes().items()}
    proofs = {name: proof for name, proof in judged.items() if proof is not None}
    scores = {
        name: table.score(name, strengths) + (proofs[name].weight if name in proofs else 0.0)
        for name in causes()
    }
    top = max(none, *scores.values())
    parts = {name: math.exp(score - top) for name, score in scores.items()}
    total = math.exp(none - top) + sum(parts.values())
    shares = {name: part / total for name, part in parts.items()}
    return Weighed({clue.key: clue for clue in clues}, shares, table, proofs)


def diagnoses(case: Case, weighed: Weighed) -> tuple[Diagnosis, ...]:
    """The causes worth telling, the most probable first, each with its evidence."""
    ranked = sorted(weighed.probability.items(), key=lambda pair: -pair[1])
    told = [
        _diagnosis(case, weighed, name, probability)
        for name, probability in ranked[:MOST_SHOWN]
        if probability >= SHOWN
    ]
    return tuple(diagnosis for diagnosis in told if diagnosis.evidence)


def _diagnosis(case: Case, weighed: Weighed, name: str, probability: float) -> Diagnosis:
    cause = causes()[name]
    table = weighed.table
    speaking = [clue for clue in weighed.clues.values() if table.of(name, clue.key) > 0]
    speaking.sort(key=lambda clue: -table.of(name, clue.key) * clue.strength)
    proof = next(
        (clue for clue in speaking if clue.where and table.of(name, clue.key) >= PROOF), None
    )
    lasting = (clue for clue in speaking if clue_kinds()[clue.key].from_then_on)
    begun = proof or next((clue for clue in lasting if table.of(name, clue.key) >= PROOF), None)
    step = begun.evidence.first_step if begun is not None else None
    rest = [clue.evidence for clue in speaking[TOLD:]]
    shown = weighed.proofs.get(name)
    tried = (shown.evidence,) if shown is not None and shown.weight > 0 and speaking else ()
    return Diagnosis(
        family=cause.family,
        cause=name,
        confidence=round(probability, 4),
        step=case.onset_step if step is None else step,
        summary=cause.summary,
        evidence=(*(clue.evidence for clue in speaking[:TOLD]), *tried, *rest),
        ruled_out=tuple(_ruled_out(weighed, name)),
        remedies=tuple(cause.remedies(Finding(case, weighed.clues))),
        where=proof.where if proof is not None else _surfaced(weighed, name),
    )


def _surfaced(weighed: Weighed, name: str) -> Where | None:
    """Where a failure of this cause came to light; its samples are not those that began it."""
    for clue in weighed.clues.values():
        fitting = clue_kinds()[clue.key].surfaces and weighed.table.of(name, clue.key) >= 0
        if fitting and clue.where is not None:
            return replace(clue.where, samples=None)
    return None


def _ruled_out(weighed: Weighed, name: str) -> list[Rejection]:
    """Rivals for which something speaks, and what rules them out; no sentence twice."""
    rivals = {
        rival: {key: weighed.table.of(rival, key) for key in weighed.clues}
        for rival in causes().keys() - {name, *causes()[name].instead_of}
        if weighed.probability[rival] <= weighed.probability[name] / 4
    }
    support = {
        rival: sum(w for w in weights.values() if w > 0) for rival, weights in rivals.items()
    }
    told: list[Rejection] = []
    used: set[str] = set()
    for rival in sorted(rivals, key=lambda rival: (-support[rival], rival)):
        weights = rivals[rival]
        against = [key for key in weights if weights[key] <= RULED_OUT and key not in used]
        if support[rival] <= 0 or len(told) == MOST_RULED_OUT:
            continue
        proof = weighed.proofs.get(rival)
        if proof is not None and proof.weight <= RULED_OUT:
            told.append(Rejection(rival, proof.evidence.statement))
            continue
        if not against:
            continue
        key = min(against, key=lambda key: weights[key])
        used.add(key)
        told.append(Rejection(rival, weighed.clues[key].evidence.statement))
    return told


HOW: Mapping[Role, str] = {
    Role.GRAD_NORM: "log the global gradient norm of every step: clip_grad_norm_ returns it",
    Role.LEARNING_RATE: "log the learning rate of every step: scheduler.get_last_lr()[0]",
    Role.LOSS_SCALE: "log the loss scale: scaler.get_scale()",
    Role.LAYER_GRAD_NORM: "log each layer's gradient norm: p.grad.norm() over named_parameters()",
    Role.EPOCH: "log the epoch beside the step",
}


DATA_OR_OPERATION = ("nonfinite_input_or_target", "undefined_operation")
HOW_BATCH = (
    "log how many numbers of each batch are not finite, inputs and targets: "
    "(~torch.isfinite(x)).sum() above 0 is the data, 0 an operation"
)


def missing(case: Case, weighed: Weighed) -> tuple[Missing, ...]:
    """The series that would tell the leading causes of different families apart."""
    ranked = sorted(weighed.probability, key=lambda name: -weighed.probability[name])
    leading = [name for name in ranked if weighed.probability[name] >= SHOWN][:MOST_SHOWN]
    told = []
    for role, how in HOW.items():
        if case.run.every(role) or (role is Role.EPOCH and case.failed):
            continue
        families = _separated(role, leading, weighed.table)
        if len(families) > 1:
            told.append(Missing(role.value, families, how))
    if set(DATA_OR_OPERATION) <= set(leading):
        families = tuple(causes()[name].family for name in DATA_OR_OPERATION)
        told.append(Missing("batch_statistics", families, HOW_BATCH))
    return tuple(told)


def _separated(role: Role, leading: Sequence[str], table: Table) -> tuple[Family, ...]:
    found: set[Family] = set()
    keys = [key for key, kind in clue_kinds().items() if role in kind.needs]
    for i, one in enumerate(leading):
        for other in leading[i + 1 :]:
            a, b = causes()[one], causes()[other]
            gap = (abs(table.of(one, k) - table.of(other, k)) for k in keys)
            if a.family is not b.family and max(gap, default=0.0) >= SEPARATES:
                found |= {a.family, b.family}
    return tuple(sorted(found, key=lambda family: family.value))
