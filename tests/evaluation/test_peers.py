"""What other tools say is read as meant, asked once, and laid out for the README."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from gradcheck.model import HEALTHY
from tests import readme
from tests.evaluation import peer_tools, peers
from tests.evaluation.peer_tools import TOOLS, Answer, Said, Tool, asked, one_file
from tests.evaluation.peer_words import READ_AS, family_of, severity_of
from tests.faults.suite import Truth

NAMED = {tool.name: tool for tool in TOOLS}
TRUTH = Truth(
    "recipe", 0, "norm", "logs/norm/recipe-0", "bad_data", "outlier_batch", 40, 41, 1, True
)
RUNMEDIC = [
    {
        "roles": {"train_loss": ["loss"]},
        "findings": [
            {"check": "non_finite", "severity": "critical", "title": "`loss` became NaN/inf",
             "step": 40.0, "evidence": ["`loss` is nan at step 40"],
             "likely_causes": ["Sudden blow-up with no visible lead-up: a single bad batch, or an "
                               "unstable op", "fp16 overflow under mixed precision"]},
            {"check": "loss_spikes", "severity": "warning", "title": "Loss spikes (2)",
             "step": 9, "evidence": ["2 sudden spike(s)", "spike steps: 7, 9"],
             "likely_causes": ["Learning rate too high, so single steps overshoot"]},
            {"check": "val_below_train", "severity": "info", "title": "Validation loss is lower",
             "step": None, "evidence": [], "likely_causes": ["Usually harmless"]},
        ],
    }
]  # fmt: skip
LOSSLINT = {
    "runs": [{"series": ["lr", "train/loss", "val/loss"]}],
    "findings": [
        {"check": "step_backtrack", "severity": "warning", "message": "step index moved backwards",
         "details": {"backtracks": [[30, 20]]}},
        {"check": "loss_spike", "severity": "warning", "details": {"steps": [12, 50]},
         "message": "train loss spiked 2 time(s) (step 12 (loss 9)) — data shard or LR bug?"},
        {"check": "nan_inf", "severity": "error", "details": {"steps": [60]},
         "message": "series 'train/loss' has 3 NaN/Inf value(s) (first steps: 60)"},
        {"check": "stagnation", "severity": "info", "message": "plateaued", "details": {}},
    ],
}  # fmt: skip
TRAINSPOTTER = {
    "run": {"metrics": {"train/loss": {"count": 90}}},
    "findings": [
        {"detector": "spikes", "severity": "error", "step_start": 12, "message": "jumped",
         "fixes": ["Lower the learning rate or add/extend LR warmup.", "Clip gradients."]},
        {"detector": "overfitting", "severity": "warning", "step_start": 5, "message": "risen",
         "fixes": ["Use the checkpoint at step 5"]},
        {"detector": "plateau", "severity": "info", "step_start": 1, "message": "", "fixes": []},
    ],
}  # fmt: skip
TRAINPROOF = {
    "error": None,
    "reports": [
        {"used_mapping": {"loss": "train_loss"},
         "findings": [
             {"id": "TP-GRAD-SPIKE", "level": "WARN", "message": "Gradient norm spikes detected.",
              "evidence": "Max gn 30 > 10.0x median (1.2)"},
             {"id": "TP-NAN", "level": "FAIL", "message": "NaN or Inf detected in loss.",
              "evidence": "Steps: [258.0, 259.0]..."},
             {"id": "TP-DEAD-RUN", "level": "FAIL", "message": "Loss never improved over the run.",
              "evidence": ""},
             {"id": "TP-THROUGHPUT", "level": "INFO", "message": "10 steps/s", "evidence": ""},
         ]},
    ],
}  # fmt: skip
EXPECTED: dict[str, tuple[Any, list[tuple[str, str, str, int | None]]]] = {
    "runmedic": (RUNMEDIC, [("non_finite", "failure", "bad_data", 40),
                            ("loss_spikes", "spike", "exploding_gradients", 7)]),
    "losslint": (LOSSLINT, [("nan_inf", "failure", "inconclusive", 60),
                            ("step_backtrack", "warning", "inconclusive", 20),
                            ("loss_spike", "spike", "bad_data", 12)]),
    "trainspotter": (TRAINSPOTTER, [("spikes", "spike", "exploding_gradients", 12),
                                    ("overfitting", "warning", "inconclusive", 5)]),
    "trainproof": (TRAINPROOF, [("TP-NAN", "failure", "inconclusive", 258),
                                ("TP-DEAD-RUN", "failure", "stalled_training", None),
                                ("TP-GRAD-SPIKE", "spike", "exploding_gradients", None)]),
}  # fmt: skip
BLIND: dict[str, Any] = {
    "runmedic": [{"roles": {"lr": ["lr"]}, "findings": []}],
    "losslint": {"runs": [{"series": ["val_loss"]}], "findings": []},
    "trainspotter": {"run": {"metrics": {"training/total_loss": {}}}, "findings": []},
    "trainproof": {"reports": [{"used_mapping": {}, "findings": [
        {"id": "TP-NO-LOSS", "level": "FAIL", "message": "No loss metric.", "evidence": ""}]}]},
}  # fmt: skip


def answer(document: Any) -> Answer:
    return Answer(json.dumps(document), "", 0)


@pytest.mark.parametrize("name", NAMED)
def test_findings_are_read_as_meant(name: str) -> None:
    document, expected = EXPECTED[name]
    assert NAMED[name].finds_loss(answer(document))
    ranked = NAMED[name].ranked(answer(document))
    assert [(s.rule, severity_of(s), family_of(name, s), s.step) for s in ranked] == expected


@pytest.mark.parametrize("name", NAMED)
def test_a_log_without_a_known_loss_is_no_alarm(name: str) -> None:
    blind = answer(BLIND[name])
    assert not NAMED[name].finds_loss(blind)
    assert NAMED[name].ranked(blind) == []


@pytest.mark.parametrize("out", ["", "Traceback", "[]", '{"reports": [], "error": "no logs"}'])
@pytest.mark.parametrize("name", NAMED)
def test_what_gives_up_is_unreadable(name: str, out: str) -> None:
    gave_up = Answer(out, "no", 2)
    judged = peers.judgement(replace(NAMED[name], name="pytest"), [TRUTH], [gave_up])
    assert judged.predictions[0].kinds == ("unreadable",)
    assert judged.predictions[0].verdict == HEALTHY
    assert not judged.found_loss


def test_the_first_named_cause_and_step_count() -> None:
    found = [
        Said("nan_inf", True, "NaN", None),
        Said("loss_spike", False, "data shard or LR bug?", 12),
        Said("divergence", False, "train loss diverged", 3),
    ]
    told = peers.prediction("losslint", TRUTH, found)
    assert (told.verdict, told.severity, told.first_bad_step) == ("bad_data", "failure", 12)
    assert peers.prediction("losslint", TRUTH, found[:1]).verdict == "inconclusive"
    assert peers.prediction("losslint", TRUTH, []).verdict == HEALTHY


def speaking(monkeypatch: pytest.MonkeyPatch, folder: Path, program: str) -> Tool:
    """A tool of its own module, under the name of a package that is there."""
    (folder / "speaking_tool.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return replace(TOOLS[0], name="pytest", module="speaking_tool", options=())


def a_log(folder: Path, made_by: str = "x") -> Path:
    log = folder / "norm" / "recipe-0"
    log.mkdir(parents=True, exist_ok=True)
    log.with_suffix(".made-by").write_text(made_by)
    return log


def test_a_tool_is_asked_again_only_about_a_changed_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = "import sys, uuid; print(f'\"{sys.argv[1]} {uuid.uuid4()}\"')"
    tool = speaking(monkeypatch, tmp_path, program)
    first = asked(tool, a_log(tmp_path), tmp_path / "peers")
    assert first.document.startswith(str(tmp_path / "norm" / "recipe-0"))
    assert asked(tool, a_log(tmp_path), tmp_path / "peers") == first
    assert asked(tool, a_log(tmp_path, "changed"), tmp_path / "peers") != first


def test_a_tool_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(peer_tools, "SECONDS", 0.5)
    tool = speaking(monkeypatch, tmp_path, "import time; time.sleep(60)")
    gave_up = tool.ask(a_log(tmp_path))
    assert gave_up.code is None
    assert not tool.reads(gave_up)


def test_one_file_is_picked(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "log.csv").write_text("step,loss\n")
    assert one_file(tmp_path) == tmp_path / "log.csv"
    (tmp_path / "events.out.tfevents.1").write_bytes(b"")
    assert one_file(tmp_path) == tmp_path


def test_the_table_has_a_column_for_each_tool() -> None:
    told = [
        peers.prediction("losslint", TRUTH, [Said("divergence", True, "train loss diverged", 40)])
    ]
    told.append(peers.prediction("losslint", replace(TRUTH, family=HEALTHY), []))
    judged = [
        peers.Judged(name, told, frozenset({TRUTH.path})) for name in ("one 1.0", "other 2.0")
    ]
    lines = peers.table(judged).splitlines()
    assert lines[0] == "|  | one 1.0 | other 2.0 |"
    assert "| failing runs detected | 100% | 100% |" in lines
    assert "| family right, of all failing | 0% | 0% |" in lines
    assert "| first bad step within one logged row | 100% | 100% |" in lines
    assert "| healthy runs with any alarm | 0% | 0% |" in lines
    assert "1 failing and 0 healthy" in peers.caption([TRUTH])


def test_the_table_goes_between_its_markers(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("above\n<!-- evaluated: peers -->\nold\n<!-- end -->\nbelow\n")
    assert peers.written("new\n", page)
    assert page.read_text() == "above\n<!-- evaluated: peers -->\nnew\n<!-- end -->\nbelow\n"
    page.write_text("no markers\n")
    assert not peers.written("new\n", page)
    assert page.read_text() == "no markers\n"


def test_the_generated_parts_of_the_readme_stay_apart() -> None:
    page = "<!-- evaluated: peers -->\nnew\n<!-- end -->\n"
    assert readme.refreshed(page) == page
    with pytest.raises(ValueError, match="without its end"):
        readme.refreshed("<!-- evaluated: peers -->\n")


def test_every_tool_has_readings() -> None:
    assert set(READ_AS) == set(NAMED)


@pytest.mark.parametrize("name", NAMED)
def test_the_installed_tool_answers_as_expected(name: str, tmp_path: Path) -> None:
    if name not in {one.name for one in metadata.distributions()}:
        pytest.skip(f"{name} is not installed: make evaluate-peers")
    losses = [2.0 / (1 + 0.02 * i) + 0.01 * (i % 3) for i in range(80)] + [float("nan")] * 5
    lines = ["step,loss", *(f"{i},{loss}" for i, loss in enumerate(losses))]
    (tmp_path / "log.csv").write_text("\n".join(lines) + "\n")
    told = NAMED[name].ask(tmp_path)
    assert NAMED[name].finds_loss(told), told
    first = NAMED[name].ranked(told)[0]
    assert (first.grave, first.step) == (True, 80)
