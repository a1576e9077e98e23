"""Lays scores out as Markdown, and keeps the fitted weights."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import gradcheck
from gradcheck.model import HEALTHY, INCONCLUSIVE, Family
from gradcheck.weight_table import FILE, Table
from tests.evaluation import scoring
from tests.evaluation.judging import Prediction
from tests.evaluation.scoring import Score

TITLES = {
    "loss": "loss only",
    "rate": "+ learning rate",
    "norm": "+ gradient norm",
    "full": "+ loss scale, layers",
}
FIGURES = {
    "recall": "failing runs detected",
    "decided": "failing runs decided",
    "family": "family right, of the decided",
    "family_of_all": "family right, of all failing",
    "cause": "cause right, of the decided",
    "cause_top3": "cause among the first three, of the decided",
    "inconclusive": "inconclusive",
    "among_two": "true family among the first two, of the inconclusive",
    "first_step": "first bad step within one logged row",
    "alarms_failure": "healthy runs with a failure",
    "alarms_spike": "healthy runs with a spike",
    "alarms_warning": "healthy runs with a warning",
    "alarms_verdict": "healthy runs with a cause",
    "ece": "expected calibration error",
    "brier": "Brier score",
}


def scores(by_level: Mapping[str, Score]) -> str:
    """A row a figure, a column a level of logging."""
    lines = [
        _row(["", *(TITLES[level] for level in by_level)]),
        _row(["---"] * (len(by_level) + 1)),
    ]
    for name, title in FIGURES.items():
        lines.append(_row([title, *(_figure(getattr(s, name)) for s in by_level.values())]))
    return "\n".join(lines)


def ablation(by_question: Mapping[str, Score]) -> str:
    """A row a question that is not asked: what is lost without its answers."""
    names = ("decided", "family", "family_of_all", "cause", "among_two", "ece")
    lines = [_row(["without", *(FIGURES[n] for n in names)]), _row(["---"] * (len(names) + 1))]
    lines += [
        _row([question, *(_figure(getattr(s, n)) for n in names)])
        for question, s in by_question.items()
    ]
    return "\n".join(lines)


def confusion(predictions: Sequence[Prediction]) -> str:
    """A row a true family, a column a verdict."""
    table = scoring.confusion(predictions)
    verdicts = [family.value for family in Family] + [INCONCLUSIVE, HEALTHY]
    truths = [family.value for family in Family] + [HEALTHY]
    lines = [_row(["truth \\ verdict", *verdicts]), _row(["---"] * (len(verdicts) + 1))]
    for truth in truths:
        cells = [table.get((truth, verdict), 0) for verdict in verdicts]
        lines.append(_row([truth, *(str(cell) if cell else "" for cell in cells)]))
    return "\n".join(lines)


def recipes(predictions: Sequence[Prediction]) -> str:
    """A line a recipe: what is told of its runs."""
    lines = []
    names = sorted({(p.truth.family, p.truth.cause or "", p.truth.recipe) for p in predictions})
    for family, cause, recipe in names:
        told = sorted(
            (p for p in predictions if p.truth.recipe == recipe), key=lambda p: p.truth.variant
        )
        lines.append(f"{family} {cause} [{recipe}]")
        lines += [f"    {_told(one)}" for one in told]
    return "\n".join(lines)


def _told(one: Prediction) -> str:
    causes = ", ".join(f"{cause} {share:.2f}" for cause, share in one.causes[:3])
    mark = "=" if scoring.has_family(one) else "." if not scoring.is_decided(one) else "X"
    right = "=" if scoring.has_cause(one) else "X"
    off = scoring.steps_off(one)
    step = f"step {one.first_bad_step} of {one.truth.earliest}-{one.truth.latest}"
    wrong = "" if off is not None and off <= one.truth.cadence else " !"
    kinds = ",".join(sorted(set(one.kinds)))
    return (
        f"{one.truth.variant} {mark}{right} {one.verdict} {one.severity or '-'} [{causes}] "
        f"{step}{wrong} {kinds}"
    )


def keep_weights(table: Table) -> None:
    """Write the table that the package carries."""
    causes = {
        name: {"prior": prior, "clues": dict(sorted(table.weight[name].items()))}
        for name, prior in sorted(table.prior.items())
    }
    path = Path(gradcheck.__file__).parent / FILE
    path.write_text(json.dumps({"none": dict(table.none), "causes": causes}, indent=1) + "\n")


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
