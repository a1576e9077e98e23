"""Score other tools on the logs of the fault suite beside gradcheck: a table for the README."""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from rich.console import Console
from rich.progress import track

import gradcheck
from gradcheck.model import HEALTHY, INCONCLUSIVE
from tests.evaluation.fitting import design
from tests.evaluation.judging import Prediction
from tests.evaluation.observations import observe
from tests.evaluation.peer_tools import TOOLS, Answer, Said, Tool, asked
from tests.evaluation.peer_words import SEVERITIES, family_of, severity_of
from tests.evaluation.scoring import Score, has_family, score
from tests.evaluation.tables import FIGURES
from tests.evaluation.validation import held_out
from tests.faults.suite import ROOT, WORKERS, Truth, truths

LEVEL = "norm"
UNREADABLE = "unreadable"
README = Path(__file__).resolve().parents[2] / "README.md"
BLOCK = re.compile(r"(?<=^<!-- evaluated: peers -->\n)(?:.*\n)*?(?=^<!-- end -->$)", re.MULTILINE)


@dataclass(frozen=True)
class Judged:
    """What one tool makes of the suite."""

    name: str
    predictions: Sequence[Prediction]
    found_loss: frozenset[str]
    """The logs in which it found a training loss."""

    @property
    def score(self) -> Score:
        return score(self.predictions)


def main() -> None:
    """Ask, score, print, and put the table into the README."""
    suite = [truth for truth in truths() if _is_asked_about(truth)]
    answers = answers_of(TOOLS, suite)
    columns = [our_judgement(), *(judgement(tool, suite, answers[tool.name]) for tool in TOOLS)]
    text = f"{caption(suite)}\n\n{table(columns)}\n"
    print(text)
    tell_what_is_lost(answers)
    if not written(text, README):
        sys.exit(f"{README.name} has no markers `evaluated: peers` and `end` to write this between")


def answers_of(tools: Sequence[Tool], suite: Sequence[Truth]) -> dict[str, list[Answer]]:
    """What each tool says about each log, two logs at a time."""
    missing = {tool.name for tool in tools} - {one.name for one in metadata.distributions()}
    if missing:
        sys.exit(f"not installed: {', '.join(sorted(missing))}; pip install '.[peers]'")
    jobs = [(tool, truth) for tool in tools for truth in suite]
    with ThreadPoolExecutor(WORKERS) as pool:
        found = pool.map(lambda job: asked(job[0], ROOT / job[1].path, ROOT / "peers"), jobs)
        shown = track(found, "asking", total=len(jobs), console=Console(stderr=True))
        answers = iter(list(shown))
    return {tool.name: [next(answers) for _ in suite] for tool in tools}


def _is_asked_about(truth: Truth) -> bool:
    """One run of each recipe, where its log shows anything: a tool takes a second for each log."""
    return truth.level == LEVEL and truth.visible and truth.variant == 0


def our_judgement() -> Judged:
    """Of gradcheck, by weights that have not seen the recipe of the log."""
    observations = observe([truth for truth in truths() if truth.visible])
    predictions = [p for p in held_out(design(), observations) if _is_asked_about(p.truth)]
    read = frozenset(o.truth.path for o in observations if o.seen and _is_asked_about(o.truth))
    return Judged(f"gradcheck {gradcheck.__version__}", predictions, read)


def judgement(tool: Tool, suite: Sequence[Truth], answers: Sequence[Answer]) -> Judged:
    """Of another tool, from its answers about the logs of the suite."""
    pairs = list(zip(suite, answers, strict=True))
    predictions = [
        prediction(tool.name, truth, tool.ranked(answer) if tool.reads(answer) else None)
        for truth, answer in pairs
    ]
    found = frozenset(truth.path for truth, answer in pairs if tool.finds_loss(answer))
    return Judged(f"{tool.name} {tool.version}", predictions, found)


def prediction(tool: str, truth: Truth, answer: Sequence[Said] | None) -> Prediction:
    """The findings in gradcheck's terms: the first cause and the first step that they name.

    A log that the tool cannot read (None) has no findings.
    """
    found = answer or []
    families = [family_of(tool, said) for said in found]
    named = [family for family in families if family != INCONCLUSIVE]
    severities = {severity_of(said) for said in found}
    return Prediction(
        truth=truth,
        verdict=next(iter(named), INCONCLUSIVE if found else HEALTHY),
        confidence=0.0,
        families=(),
        causes=(),
        first_bad_step=next((said.step for said in found if said.step is not None), None),
        severity=next((name for name in SEVERITIES if name in severities), None),
        kinds=(UNREADABLE,) if answer is None else tuple(said.rule for said in found),
    )


def _of_score(name: str) -> Callable[[Judged], float]:
    return lambda judged: float(getattr(judged.score, name))


def _loss_found(judged: Judged) -> float:
    return _mean(p.truth.path in judged.found_loss for p in judged.predictions)


def _family_of_read(judged: Judged) -> float:
    return _mean(
        has_family(p)
        for p in judged.predictions
        if p.truth.family != HEALTHY and p.truth.path in judged.found_loss
    )


def _any_alarm(judged: Judged) -> float:
    healthy = (p for p in judged.predictions if p.truth.family == HEALTHY)
    return _mean(p.severity is not None or p.verdict != HEALTHY for p in healthy)


def _mean(of: Iterable[bool]) -> float:
    values = list(of)
    return sum(values) / len(values) if values else math.nan


ROWS: Sequence[tuple[str, Callable[[Judged], float]]] = (
    ("logs whose training loss is found", _loss_found),
    *(
        (FIGURES[name], _of_score(name))
        for name in ("recall", "decided", "family", "family_of_all")
    ),
    ("family right, of the failing whose loss is found", _family_of_read),
    *((FIGURES[name], _of_score(name)) for name in ("inconclusive", "first_step")),
    ("healthy runs with any alarm", _any_alarm),
    *(
        (FIGURES[name], _of_score(name))
        for name in ("alarms_failure", "alarms_spike", "alarms_warning")
    ),
)


def table(columns: Sequence[Judged]) -> str:
    """A row a figure, a column a tool."""
    lines = [["", *(judged.name for judged in columns)], ["---"] * (len(columns) + 1)]
    for title, figure in ROWS:
        lines.append([title, *(_percent(figure(judged)) for judged in columns)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def caption(suite: Sequence[Truth]) -> str:
    """What was measured, in a paragraph."""
    failing = Counter(truth.family for truth in suite if truth.family != HEALTHY)
    total = failing.total()
    if not total:
        return f"{len(suite)} healthy runs."
    family, most = failing.most_common(1)[0]
    return (
        f"{total} failing and {len(suite) - total} healthy runs. Always answering `{family}` "
        f"would be right in {most / total:.0%} of the failing ones."
    )


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.0%}"


def tell_what_is_lost(answers: Mapping[str, Sequence[Answer]]) -> None:
    """How many logs a tool cannot read, and the rules whose words name no cause."""
    for tool in TOOLS:
        unread = sum(not tool.reads(answer) for answer in answers[tool.name])
        said = [one for answer in answers[tool.name] for one in tool.ranked(answer)]
        silent = Counter(one.rule for one in said if family_of(tool.name, one) == INCONCLUSIVE)
        told = ", ".join(f"{rule} {number}" for rule, number in silent.most_common())
        print(f"{tool.name}: {unread} {UNREADABLE}; no cause in {told or 'none'}", file=sys.stderr)


def written(text: str, page: Path) -> bool:
    """Put the text between the markers of the page; whether it has them."""
    old = page.read_text(encoding="utf-8")
    if not BLOCK.search(old):
        return False
    page.write_text(BLOCK.sub(lambda _: text, old), encoding="utf-8")
    return True


if __name__ == "__main__":
    main()
