"""What every cause must be: documented, weighed on clues that exist, and useful in its advice."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterator

import numpy as np
import pytest

from gradcheck import plugins, weighing, weight_table
from gradcheck.case import Case, Clue
from gradcheck.causes.base import Finding
from gradcheck.model import Evidence, Family, Remedy, Role
from tests.synthetic import (
    Column,
    Columns,
    case_of,
    clues_of,
    constant,
    decay,
    diagnosed,
    geometric,
    grow,
    norms,
    put,
    run_of,
    scale,
)

NAMES = list(weight_table.causes())
DOCS = {m.__name__.rpartition(".")[2]: m.__doc__ or "" for m in plugins.modules("causes", "CAUSE")}
SECTIONS = [
    "What happens",
    "How it looks in a log",
    "How it looks from inside",
    "What it is confused with",
    "Sources",
]
FRAMEWORKS = [
    None,
    "lightning",
    "huggingface",
    "keras",
    "ultralytics",
    "yolov5",
    "megatron",
    "deepspeed",
    "stable_baselines3",
    "something new",
]
BAD_DATA = [n for n, c in weight_table.causes().items() if c.family is Family.BAD_DATA]
NONFINITE = [
    "nonfinite_input_or_target",
    "nonfinite_from_the_start",
    "undefined_operation",
    "poisoned_buffers",
    "empty_targets",
]
ROWS = 400
BROKEN: dict[str, Column] = {
    "loss": grow(decay(ROWS), 350, 1.3),
    "grad_norm": grow(norms(ROWS), 350, 1.3),
    "lr": constant(ROWS),
}
CASES: dict[str, Case] = {
    "loss only": case_of({"loss": put(decay(ROWS), slice(300, None), np.nan)}),
    "everything logged": case_of(BROKEN),
    "a short run": case_of({k: v[345:] for k, v in BROKEN.items()}),
    "NaN at once": case_of({"loss": np.full(50, np.nan), "grad_norm": np.full(50, np.nan)}),
    "recovered": case_of({"loss": scale(decay(ROWS), 300, 20.0)}),
    "epochs": case_of(run_of(BROKEN, unit="epoch")),
    "nothing learned": case_of({"loss": norms(ROWS, usual=2.3, noise=0.003)}),
    "only a norm": case_of({"grad_norm": grow(norms(ROWS), 350, 1.3)}),
}


def invented(key: str) -> Clue:
    """A clue as if it had been seen, with every number that a remedy may ask for."""
    values = {
        "ratio": 1.5,
        "period": 200.0,
        "phase": 37.0,
        "before": 1e-4,
        "after": 1e-3,
        "peak": 3e-3,
        "growth": 40.0,
    }
    return Clue(key, Evidence("something was seen", "loss", 1, 2), 1.0, values)


def findings(framework: str | None = None) -> Iterator[Finding]:
    """Every case without any clue, with its own and with all there are."""
    every = {key: invented(key) for key in weight_table.clue_kinds()}
    for case in CASES.values():
        worded = Case(dataclasses.replace(case.run, framework=framework), case.events)
        own = {clue.key: clue for clue in weighing.clues_of(worded)}
        for clues in ({}, own, every):
            yield Finding(worded, clues)


def remedies(name: str, framework: str | None = None) -> list[Remedy]:
    """All that a cause may advise."""
    cause = weight_table.causes()[name]
    return [remedy for finding in findings(framework) for remedy in cause.remedies(finding)]


def text(remedy: Remedy) -> str:
    return f"{remedy.action} {remedy.snippet or ''}".lower()


@pytest.mark.parametrize("name", NAMES)
def test_docs_open_with_one_sentence(name: str) -> None:
    opening, _, rest = DOCS[name].partition("\n\n")
    assert opening.strip().endswith(".")
    assert "\n" not in opening.strip()
    assert opening.count(". ") == 0
    assert rest


@pytest.mark.parametrize("name", NAMES)
def test_docs_have_their_sections_in_order(name: str) -> None:
    assert re.findall(r"^## (.+)$", DOCS[name], re.MULTILINE) == SECTIONS
    bodies = re.split(r"^## .+$", DOCS[name], flags=re.MULTILINE)[1:]
    assert all(len(body.strip()) > 20 for body in bodies)


@pytest.mark.parametrize("name", NAMES)
def test_weights_name_existing_clues_and_some_speak_for_the_cause(name: str) -> None:
    weights = weight_table.causes()[name].weights
    assert set(weights) <= set(weight_table.clue_kinds())
    assert max(weights.values()) > 0
    assert all(-20 <= weight <= 20 for weight in weights.values())


@pytest.mark.parametrize("name", NAMES)
def test_no_cause_is_told_without_a_clue(name: str) -> None:
    cause = weight_table.causes()[name]
    assert cause.prior < 0
    assert weighing.weigh([], "failed").probability[name] < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_summary_is_a_clause(name: str) -> None:
    summary = weight_table.causes()[name].summary
    assert summary
    assert not summary.endswith(".")
    assert "\n" not in summary
    assert len(summary) < 120


@pytest.mark.parametrize("name", NAMES)
def test_the_id_is_in_snake_case(name: str) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)


@pytest.mark.parametrize("name", NAMES)
def test_remedies_say_what_to_do(name: str) -> None:
    found = remedies(name)
    assert found
    for remedy in found:
        assert remedy.action.strip() == remedy.action != ""
        assert not remedy.action.endswith(".")
        assert "None" not in remedy.action
        assert "nan" not in remedy.action.split()
        assert "{" not in remedy.action
        assert "  " not in remedy.action


@pytest.mark.parametrize("name", NAMES)
def test_plain_snippets_are_python(name: str) -> None:
    for remedy in remedies(name):
        if remedy.snippet is not None:
            assert remedy.framework is None
            ast.parse(remedy.snippet)
            assert "nan)" not in remedy.snippet


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("name", NAMES)
def test_snippets_are_in_the_words_of_the_framework(name: str, framework: str | None) -> None:
    for remedy in remedies(name, framework):
        assert remedy.framework in (None, framework)
        assert remedy.snippet is None or "{0}" not in remedy.snippet
        assert remedy.snippet is None or "{{" not in remedy.snippet


@pytest.mark.parametrize("name", [*BAD_DATA, "undefined_operation"])
def test_a_lower_learning_rate_cures_no_bad_data(name: str) -> None:
    for remedy in remedies(name):
        assert "learning rate" not in text(remedy)
        assert "lr=" not in text(remedy)
        assert "['lr']" not in text(remedy)


@pytest.mark.parametrize("name", NONFINITE)
def test_clipping_cures_no_nan(name: str) -> None:
    assert not any(re.search(r"\bclip", text(remedy)) for remedy in remedies(name))


def advised(name: str, columns: Columns) -> str:
    """All actions and snippets of a cause for a run."""
    case = case_of(columns)
    finding = Finding(case, clues_of(columns))
    found = weight_table.causes()[name].remedies(finding)
    return "\n".join(f"{remedy.action}\n{remedy.snippet}" for remedy in found)


@pytest.mark.parametrize("unit", [1e-5, 1.0, 1e4])
def test_the_clipping_threshold_is_the_90th_percentile_of_healthy_norms(unit: float) -> None:
    columns = {**BROKEN, "grad_norm": BROKEN["grad_norm"] * unit}
    case = case_of(columns)
    healthy = columns["grad_norm"][: (case.onset_step or 0)]
    ninetieth = float(np.percentile(healthy, 90))
    (threshold,) = re.findall(
        r"Clip the gradient norm at (\S+):", advised("gradient_growth", columns)
    )
    assert float(threshold) == pytest.approx(ninetieth, rel=0.06)


def test_without_norms_the_threshold_is_the_usual_one() -> None:
    assert "Clip the gradient norm at 1.0," in advised("gradient_growth", {"loss": BROKEN["loss"]})


@pytest.mark.parametrize(("ratio", "rate"), [(1.5, 0.4), (1.2, 3e-3), (3.0, 1e-5)])
def test_the_bound_of_the_square_law(ratio: float, rate: float) -> None:
    rows = 40 if ratio < 2 else 15
    columns = {
        "loss": 0.7 * geometric(ratio**2, rows),
        "grad_norm": geometric(ratio, rows),
        "lr": constant(rows, rate),
    }
    said = advised("learning_rate_too_high", columns)
    (bound,) = re.findall(r"Lower the learning rate below (\S+):", said)
    assert float(bound) == pytest.approx(2 * rate / (1 + ratio), rel=0.06)


def test_without_the_square_law_a_tenth_of_the_rate() -> None:
    said = advised("learning_rate_too_high", {**BROKEN, "lr": constant(ROWS, 0.02)})
    assert "from 0.02 to 0.002" in said


def test_without_a_rate_a_tenth_of_whatever_it_is() -> None:
    assert "Divide the learning rate by 10" in advised(
        "learning_rate_too_high", {"loss": BROKEN["loss"]}
    )


def test_the_position_of_the_recurring_batch() -> None:
    columns = {"loss": scale(decay(1000), slice(137, None, 200), 12.0)}
    assert "batch 137 of each 200-step epoch" in advised("recurring_bad_batch", columns)


@pytest.mark.parametrize("stride", [1, 50])
def test_the_step_to_resume_from_is_the_last_good_one(stride: int) -> None:
    loss = put(decay(ROWS), slice(300, None), np.nan)
    run = run_of({"loss": loss}, np.arange(ROWS) * stride)
    report = diagnosed(run)
    actions = [remedy.action for d in report.diagnoses for remedy in d.remedies]
    assert any(f"at or before step {299 * stride};" in action for action in actions)


def test_the_step_of_the_outlier_is_named() -> None:
    run = run_of({"loss": scale(decay(ROWS), 300, 20.0)}, np.arange(ROWS) * 10)
    said = [remedy.action for d in diagnosed(run).diagnoses for remedy in d.remedies]
    assert any("batch of step 3000" in action for action in said)


def test_the_jump_of_the_schedule_is_named() -> None:
    columns = {**BROKEN, "lr": scale(constant(ROWS, 1e-4), slice(347, None), 10.0)}
    assert "from 1e-4 to 0.001" in advised("learning_rate_schedule", columns)


def test_what_is_missing_can_be_logged() -> None:
    assert set(weighing.HOW) <= set(Role)
    for how in weighing.HOW.values():
        assert how
        assert not how.endswith(".")
