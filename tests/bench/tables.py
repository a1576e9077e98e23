"""Shows what was measured: a table for each group, one for the claims, and all of it as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from rich import box
from rich.table import Table

from tests.bench.claims import Claim
from tests.bench.measuring import Result
from tests.bench.suite import Group

METHOD = (
    "Each row is a cold process with all that it imports and starts; of its rounds the least time"
    " and the most memory. CPU is user + sys. Peak is the resident memory (VmHWM) of all its"
    " processes, pages of mapped files included; anon is what belongs to no file (RssAnon, looked"
    " at every 4 ms). ~ was projected from a share of the set."
)


def of_group(group: Group, results: Sequence[Result]) -> Table:
    """The costs of a group's jobs, each against the group's reference."""
    table = Table(
        title=group.title, box=box.SIMPLE_HEAD, title_justify="left", caption_justify="left"
    )
    table.add_column("", no_wrap=True)
    for name in ("CPU s", "wall s", "peak MB", "anon MB", "points", "M points/s", "ratio", ""):
        table.add_column(name, justify="right", no_wrap=True)
    reference = next((r.cpu for r in results if r.job.name == group.reference), math.nan)
    for result in results:
        table.add_row(result.job.name, *_figures(result, reference))
    if group.notes:
        table.caption = "\n".join(group.notes)
    return table


def _figures(result: Result, reference: float) -> Iterable[str]:
    about = "" if result.job.share == 1 else "~"
    yield about + _number(result.cpu, ".3f")
    yield about + _number(result.wall, ".3f")
    yield _number(result.peak, ",.0f")
    yield _number(result.anonymous, ",.0f")
    yield "" if result.points is None else f"{result.points:,}"
    points = (result.points or math.nan) / result.job.share
    yield about * (not math.isnan(points)) + _number(points / result.cpu / 1e6, ".2f")
    yield about + _number(result.cpu / reference, ".2f")
    yield _remark(result)


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)


def _remark(result: Result) -> str:
    if result.crash:
        return "crashed"
    code = max(cost.exit_code for cost in result.costs)
    return f"exit {code}" if code else "" if result.agrees else "other points"


def of_claims(claims: Iterable[Claim], scale: float) -> Table:
    """What was claimed, and whether it held."""
    title = "Claims" if scale == 1 else f"Claims; they are about scale 1, and this was {scale:g}"
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("")
    for name in ("measured", "target", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for claim in claims:
        bound = "at least" if claim.at_least else "at most"
        measured = _number(claim.measured, ".2f")
        table.add_row(claim.text, measured, f"{bound} {claim.target:g}", claim.outcome)
    return table


def as_json(group: Group, results: Sequence[Result]) -> dict[str, Any]:
    """A group and every round of its jobs, NaN as null."""
    return {
        "group": group.name,
        "title": group.title,
        "notes": list(group.notes),
        "results": [
            {
                "name": result.job.name,
                "share": result.job.share,
                "points": result.points,
                "agrees": result.agrees,
                "crash": result.crash,
                **{
                    name: _or_null(getattr(result, name))
                    for name in ("cpu", "wall", "peak", "anonymous")
                },
                "rounds": [
                    {
                        "cpu": cost.cpu,
                        "wall": cost.wall,
                        "peak": cost.peak,
                        "anonymous": _or_null(cost.anonymous),
                        "exit_code": cost.exit_code,
                    }
                    for cost in result.costs
                ],
            }
            for result in results
        ],
    }


def claim_as_json(claim: Claim) -> dict[str, Any]:
    """A claim, NaN as null."""
    return {**claim._asdict(), "measured": _or_null(claim.measured), "outcome": claim.outcome}


def _or_null(number: float) -> float | None:
    return None if math.isnan(number) else number
