"""Reads lines by their templates, each of which is worked out only once."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from gradcheck.readers.text_kinds import Counter
from gradcheck.readers.text_numbers import Split, template, value
from gradcheck.readers.text_plans import Plan, make_plan

_KEPT_PLANS = 4096
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

    def plan(self, line: Split) -> Plan:
        """How a line is to be read."""
        plan = self._plans.get(line.key)
        if plan is None:
            plan = make_plan(template(line))
            if not any(_LOOSE_DIGIT.search(field.name) for field in plan.fields):
                self._plans[line.key] = plan
            if len(self._plans) > _KEPT_PLANS:
                self._plans.popitem(last=False)
        return plan


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
