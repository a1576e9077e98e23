"""Reads lines by their templates, each of which is worked out only once."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from gradcheck.readers.text_kinds import Counter
from gradcheck.readers.text_numbers import Split, template, value
from gradcheck.readers.text_plans import Plan, make_plan

_KEPT_PLANS = 4096
_MOST_MADE = 4096
"""Templates worked out at first sight; in a log with more, most of the lines are one-offs."""
_MOST_SEEN = 1 << 19
_NOTHING = Plan(())
_MATTERS = re.compile(r"loss|epoch|error|nan|traceback|overflow", re.IGNORECASE)
_LOOSE_DIGIT = re.compile(r"(?<![\w.@/])\d")


@dataclass(frozen=True)
class Reading:
    """What a line says."""

    measured: tuple[tuple[str, float], ...]
    counted: tuple[Counter, ...]
    rank: int | None
    plan: Plan


class Templates:
    """Finds out how a line is to be read, and remembers it for the next of its template."""

    def __init__(self) -> None:
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._made = 0
        self._seen: set[int] = set()

    def plan(self, line: Split) -> Plan:
        """How a line is to be read."""
        plan = self._plans.get(line.key)
        return self._new_plan(line) if plan is None else plan

    def _new_plan(self, line: Split) -> Plan:
        if self._made >= _MOST_MADE and not self._comes_again(line.key):
            return _NOTHING
        self._made += 1
        plan = make_plan(template(line))
        if not any(_LOOSE_DIGIT.search(field.name) for field in plan.fields):
            self._plans[line.key] = plan
            if len(self._plans) > _KEPT_PLANS:
                self._plans.popitem(last=False)
        return plan

    def _comes_again(self, key: str) -> bool:
        """Whether a template was seen before, or speaks of what matters most."""
        if _MATTERS.search(key):
            return True
        seen = hash(key)
        if seen in self._seen:
            return True
        if len(self._seen) < _MOST_SEEN:
            self._seen.add(seen)
        return False


def read(line: Split, plan: Plan) -> Reading:
    """What a line says: its measurements, what counts the steps, and the rank."""
    measured, counted = [], []
    for field in plan.fields:
        number, total = value(line.runs[field.run])
        if field.counts:
            counted.append(Counter(field.name, number, total))
        else:
            # `Accuracy: 9541/10000`
            measured.append((field.name, number / total if total else number))
    rank = plan.rank if plan.rank_run is None else _rank(line.runs[plan.rank_run])
    return Reading(tuple(measured), tuple(counted), rank, plan)


def _rank(run: str) -> int | None:
    number, _ = value(run)
    return int(number) if 0 <= number < 1e9 else None
