"""Joins what replays showed to the diagnosis: evidence for causes, and remedies that were tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gradcheck.clues.replayed import CALM
from gradcheck.model import Diagnosis, Evidence, Remedy, Replay, Tried
from gradcheck.model.inside import EARLIER, FASTER, FREEZE, SKIP, SKIP_ONSET, SLOWER
from gradcheck.weight_table import causes
from gradcheck.wording import count, number

GENERAL = frozenset(
    {
        SLOWER,
        FASTER,
        "clip_gradients",
        SKIP,
        "skip_nonfinite",
    }
)
"""Changes that help against much: that one of them holds says less about the cause."""
SPECIFIC_HELD, GENERAL_HELD, FAILED, LATER = 2.2, 0.5, -6.0, -2.0
"""Log-odds that a cause gains or loses by what came of its own repair."""
LEARNS = 3.5
"""The same where nothing was learned before, and then it was."""
CLEAR = 0.75
"""Probability of a cause from which on its own repair comes first."""
GUARDS = "guard_"
"""What the ids of changes begin with that keep operations within their domain."""
EXAMINATIONS = frozenset({FREEZE, EARLIER})
"""Changes that tell causes apart, and are no remedy."""
SOURCE = "gradcheck: tried on the last steps of this very run"


@dataclass(frozen=True)
class Proof:
    """What trials say of one cause: log-odds, and the sentence."""

    weight: float
    evidence: Evidence


def of_cause(trials: Sequence[str], replay: Replay | None) -> Proof | None:
    """What came of a cause's own repairs; `trials` names them, the first being the repair.

    None where none of them was tried, or the failure did not come back by itself.
    """
    if replay is None or not replay.reproduced or not trials:
        return None
    specific = [one for one in replay.tried if one.change in set(trials) - GENERAL]
    tried = specific or [one for one in replay.tried if one.change in trials[:1]]
    held = [one for one in tried if one.healthy]
    if held and replay.stalled:
        general = held[0].change in GENERAL - {FASTER}
        weight = GENERAL_HELD if general else LEARNS
        return Proof(weight, _evidence(held[0], stalled=True))
    if held:
        weight = GENERAL_HELD if held[0].change in GENERAL else SPECIFIC_HELD
        return Proof(weight, _evidence(held[0]))
    if replay.stalled:
        return None  # some steps more may not be enough to learn in: it speaks against nothing
    if replay.finite:  # a guard keeps numbers finite: how large they are is no matter of its own
        tried = [one for one in tried if not one.change.startswith(GUARDS)]
    for outcome, weight in (("delayed", LATER), ("not_prevented", FAILED)):
        came = [one for one in tried if one.trial.outcome == outcome]
        if came:
            return Proof(_against(replay, came[0], weight), _evidence(came[0]))
    return None


def _against(replay: Replay, tried: Tried, weight: float) -> float:
    guards = [one for one in replay.tried if one.change.startswith(GUARDS)]
    if tried in guards and not any(one.healthy for one in guards):
        return LATER  # behind the operation that is guarded another one may fail
    went_on = tried.change == SKIP_ONSET and tried.trial.steps < CALM
    return FAILED if went_on else weight


def _words(name: str) -> str:
    return name.replace("_", " ")


def _evidence(tried: Tried, *, stalled: bool = False) -> Evidence:
    trial = tried.trial
    came = {
        "prevented": f"the failure was gone for {count(trial.steps, 'step')}",
        "delayed": f"the failure was back at step {trial.returned_at_step}",
        "not_prevented": "the failure was still there",
    }[trial.outcome]
    if stalled:
        return Evidence(f"run again with one change ({_words(tried.change)}), the loss fell")
    loss = "" if trial.final_loss is None else f", with a loss of {number(trial.final_loss)}"
    if trial.outcome != "prevented":
        loss = ""
    return Evidence(f"run again with one change ({_words(tried.change)}), {came}{loss}")


def ordered(replay: Replay | None, told: Sequence[Diagnosis]) -> Replay | None:
    """The trials in the order in which a user should think of them.

    What repairs the cause that was decided on comes before what helps against much, wherever both
    leave a sound training: some steps of a lower loss are no reason to leave a fault in the loop.
    """
    if replay is None or not told or told[0].confidence < CLEAR:
        return replay
    own = set(causes()[told[0].cause].trials) - GENERAL - EXAMINATIONS
    first = [one for one in replay.tried if one.change in own and one.healthy]
    return replace(replay, tried=(*first, *(one for one in replay.tried if one not in first)))


def with_trials(told: Sequence[Diagnosis], replay: Replay | None) -> tuple[Diagnosis, ...]:
    """The diagnoses, the first with its remedies in the order that trials suggest.

    What kept the failure away and left a sound training comes first, advice that was not tried
    next, and what did not hold last.
    """
    if replay is None or not replay.tried or not told:
        return tuple(told)
    first = told[0]
    worded = {remedy.change: remedy for remedy in first.remedies if remedy.change is not None}
    trials = [tried for tried in replay.tried if tried.change not in EXAMINATIONS]
    held = [_held(tried, worded.get(tried.change)) for tried in trials if tried.healthy]
    failed = [_remedy(tried) for tried in trials if not tried.healthy]
    known = {tried.change for tried in replay.tried}
    untried = [remedy for remedy in first.remedies if remedy.change not in known]
    return (replace(first, remedies=(*held, *untried, *failed)), *told[1:])


def _held(tried: Tried, worded: Remedy | None) -> Remedy:
    """The change as the cause words it, unless what was tried goes by numbers of its own."""
    if worded is None or tried.change in GENERAL:
        return _remedy(tried)
    return replace(worded, trial=tried.trial)


def _remedy(tried: Tried) -> Remedy:
    return Remedy(tried.action, tried.snippet, None, SOURCE, tried.trial, tried.change)
