"""What gradcheck sees in each log of the suite, before any weighing; cached by its code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.progress import track

from gradcheck import diagnosis, loading, weighing
from gradcheck.case import Case
from gradcheck.measure.attempts import attempts
from gradcheck.model import Run
from tests.faults.suite import ROOT, WORKERS, Truth

PACKAGE = Path(diagnosis.__file__).parent


@dataclass(frozen=True)
class Seen:
    """One attempt of a run: its clues, and what a verdict needs besides."""

    circumstance: str
    failed: bool
    severity: str | None
    kinds: tuple[str, ...]
    onset_step: int | None
    clues: tuple[tuple[str, float, int | None], ...]
    """Key, strength, first step of the evidence."""


@dataclass(frozen=True)
class Observation:
    """A log with its truth, as gradcheck sees it; no attempts where it could not be read."""

    truth: Truth
    seen: tuple[Seen, ...]


def observe(truths: Sequence[Truth]) -> list[Observation]:
    """Look at every log, side by side."""
    cache = ROOT / f"observations-{_digest(truths)}.json"
    if cache.exists():
        return [_restored(row) for row in json.loads(cache.read_text())]
    for old in ROOT.glob("observations-*.json"):
        old.unlink()
    with ProcessPoolExecutor(WORKERS) as pool:
        found = pool.map(_observe_one, truths, chunksize=16)
        observations = list(track(found, "reading", total=len(truths)))
    cache.write_text(json.dumps([asdict(one) for one in observations]))
    return observations


def _observe_one(truth: Truth) -> Observation:
    runs = loading.collect([ROOT / truth.path]).runs
    with np.errstate(all="ignore"):
        seen = tuple(_seen(attempt) for run in runs[:1] for attempt in attempts(run))
    return Observation(truth, seen)


def _seen(run: Run) -> Seen:
    case = Case(run, tuple(diagnosis.detect(run)))
    severity = max((e.severity for e in case.events), key=lambda s: s.rank, default=None)
    return Seen(
        circumstance=weighing.circumstance(case),
        failed=case.failed,
        severity=severity.value if severity else None,
        kinds=tuple(event.kind.value for event in case.events),
        onset_step=case.onset_step,
        clues=tuple(
            (clue.key, clue.strength, clue.evidence.first_step) for clue in weighing.clues_of(case)
        ),
    )


def _digest(truths: Sequence[Truth]) -> str:
    digest = hashlib.sha256(json.dumps([asdict(t) for t in truths]).encode())
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(file.read_bytes())
    for truth in truths:
        digest.update((ROOT / truth.path).with_suffix(".made-by").read_bytes())
    return digest.hexdigest()[:16]


def _restored(row: dict[str, object]) -> Observation:
    truth, seen = row["truth"], row["seen"]
    assert isinstance(truth, dict)
    assert isinstance(seen, list)
    return Observation(
        Truth(**truth),
        tuple(
            Seen(**{**one, "kinds": tuple(one["kinds"]), "clues": tuple(map(tuple, one["clues"]))})
            for one in seen
        ),
    )
