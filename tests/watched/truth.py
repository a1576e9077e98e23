"""What a watched script should be found to suffer from, and how a report compares with it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomllib

from tests.watched import repairs

SCRIPTS = Path(__file__).parent / "scripts"
CULPRIT = "# <- culprit"
REFINED: Mapping[str, frozenset[str]] = {
    "nonfinite_input_or_target": frozenset({"nonfinite_input", "nonfinite_target"}),
    "undefined_operation": frozenset(
        {
            "division_by_zero",
            "argument_out_of_domain",
            "fully_masked_softmax",
            "log_of_zero",
            "exponential_overflow",
        }
    ),
    "overflow_or_log_of_zero": frozenset(
        {"division_by_zero", "argument_out_of_domain", "log_of_zero", "exponential_overflow"}
    ),
    "gradient_growth": frozenset({"recurrent_growth"}),
    "unclipped_gradient_spikes": frozenset({"misplaced_clipping"}),
    "learning_rate_too_high": frozenset({"undivided_accumulation"}),
}
"""Which causes `watch` separates a cause of a log into."""


@dataclass(frozen=True)
class Truth:
    """What is known of a script by construction; None where it is not told."""

    name: str
    family: str
    causes: tuple[str, ...]
    first: int | None = None
    """The steps between which trouble begins."""
    last: int | None = None
    phase: str | None = None
    line: int | None = None
    samples: tuple[int, ...] | None = None
    among: tuple[int, ...] | None = None
    """All bad samples of the data set, where the failing batch holds an unknown part of them."""


@dataclass(frozen=True)
class Outcome:
    """How a report compares with the truth; None where there is nothing to compare."""

    truth: Truth
    found: bool
    family: bool | None
    cause: bool | None
    """Of a healthy script: whether none is told."""
    step: bool | None
    phase: bool | None
    line: bool | None
    samples: bool | None
    said: str
    seconds: float = 0.0
    replayed: bool | None = None
    """Whether the failure came back when it was run again unchanged; None for healthy scripts."""
    exact: bool | None = None
    """Whether it did so bit for bit."""
    prevented: bool | None = None
    """Whether the known repair was among the trials that kept it away; None where there is none."""
    first: bool | None = None
    """Whether it was the first of them."""


def of_script(script: Path) -> Truth:
    """The truth in the head of a script."""
    source = script.read_text("utf-8")
    about = ast.get_docstring(ast.parse(source)) or ""
    told = tomllib.loads(about[about.index("[truth]") :])["truth"]
    step, window = told.get("step"), int(told.get("window", 0))
    marked = [at for at, line in enumerate(source.splitlines(), 1) if CULPRIT in line]
    samples, among = told.get("samples"), told.get("among")
    return Truth(
        script.name,
        told["family"],
        tuple(told["causes"]),
        None if step is None else step - window,
        None if step is None else step + window,
        told.get("phase"),
        marked[0] if marked else None,
        None if samples is None else tuple(sorted(set(samples))),
        None if among is None else tuple(sorted(set(among))),
    )


def compare(truth: Truth, run: Mapping[str, Any], seconds: float = 0.0) -> Outcome:
    """Compare the report on one run with the truth."""
    verdict = run["verdict"]
    first = run["diagnoses"][0] if run["diagnoses"] else {}
    where = first.get("where") or {}
    accepted = set(truth.causes).union(*(REFINED.get(c, ()) for c in truth.causes))
    severities = [event["severity"] for event in run["events"]]
    cause, step = first.get("cause"), run["first_bad_step"]
    said = f"{verdict} {cause} {run['confidence']:.2f} @{step} {where.get('phase')} "
    said += f"{where.get('op')} :{where.get('line')} {where.get('samples')}"
    for tried in run["replay"]["trials"] if run["replay"] else ():
        said += f" {tried['change']}={tried['outcome']}"
    if truth.family == "healthy":
        fine, calm = "failure" not in severities, verdict in ("healthy", "inconclusive")
        return Outcome(truth, not fine, fine, calm, None, None, None, None, said, seconds)
    timed = truth.first is not None and truth.last is not None and step is not None
    return Outcome(
        truth,
        found="failure" in severities or verdict not in ("healthy",),
        family=verdict == truth.family,
        cause=verdict == truth.family and cause in accepted,
        step=None if truth.first is None else timed and truth.first <= step <= (truth.last or 0),
        phase=None if truth.phase is None else _same_phase(where.get("phase"), truth.phase),
        line=None if truth.line is None else where.get("line") == truth.line,
        samples=_same_samples(truth, set(where.get("samples") or ())),
        said=said,
        seconds=seconds,
        **_replays(truth, run["replay"]),
    )


def _replays(truth: Truth, replay: Mapping[str, Any] | None) -> dict[str, bool | None]:
    known = repairs.of(truth.causes)
    trials = replay["trials"] if replay else []
    held = [one["change"] for one in trials if one["outcome"] == "prevented"]
    return {
        "replayed": bool(replay and replay["reproduced"]),
        "exact": bool(replay and replay["reproduced"] and replay["bit_exact"]),
        "prevented": bool(known & set(held)) if known else None,
        "first": bool(held and held[0] in known) if known else None,
    }


def _same_samples(truth: Truth, found: set[int]) -> bool | None:
    if truth.among is not None:
        return bool(found) and found <= set(truth.among)
    return None if truth.samples is None else found == set(truth.samples)


def _same_phase(found: str | None, truth: str) -> bool:
    """An operation behind the model may be called part of it or of the loss."""
    return found == truth or {found, truth} == {"forward", "loss"}
