"""Joins what replays showed to the diagnosis: what was tried and held is advised first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradcheck.model import Diagnosis, Remedy, Replay, Tried

SOURCE = "gradcheck: tried on the last steps of this very run"
FAILED = "not_prevented"


def with_trials(told: Sequence[Diagnosis], replay: Replay | None) -> tuple[Diagnosis, ...]:
    """The diagnoses, the first with its remedies in the order that trials suggest.

    What kept the failure away and left a sound training comes first, advice that was not tried
    next, and what did not hold last.
    """
    if replay is None or not replay.tried or not told:
        return tuple(told)
    first = told[0]
    held = [_remedy(tried) for tried in replay.tried if tried.healthy]
    failed = [_remedy(tried) for tried in replay.tried if not tried.healthy]
    known = {tried.change for tried in replay.tried}
    untried = [remedy for remedy in first.remedies if remedy.change not in known]
    return (replace(first, remedies=(*held, *untried, *failed)), *told[1:])


def _remedy(tried: Tried) -> Remedy:
    return Remedy(tried.action, tried.snippet, None, SOURCE, tried.trial, tried.change)
