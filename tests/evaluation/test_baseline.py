"""The baseline gate on real trainings, a few of those of `make evaluate-baseline`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gradcheck import judging
from gradcheck.configuration.settings import Settings
from gradcheck.model import RunReport
from tests.evaluation.baseline import plan, runs, scoring
from tests.evaluation.baseline.scripts import SCRIPTS, named
from tests.evaluation.baseline.training import FAULTS, Script, train

SCRIPT = replace(named("spirals_momentum"), steps=300)


@pytest.fixture(name="trained", scope="module")
def _trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    for seed in (1, 2, 3):
        runs.write(train(SCRIPT, seed), folder / str(seed) / "metrics.csv")
    for fault in ("rate", "spike"):
        runs.write(train(SCRIPT, 4, fault), folder / fault / "metrics.csv")
    return folder


def judged(folder: Path, run: str, *good: str) -> RunReport:
    settings = Settings(baselines=tuple(str(folder / one) for one in good))
    return judging.judge([folder / run], settings).runs[0]


def test_another_seed_passes_and_a_regression_does_not(trained: Path) -> None:
    assert judged(trained, "1", "2").open_severity is None
    assert judged(trained, "1", "2", "3").open_severity is None
    spiky = {one.check.value for one in judged(trained, "spike", "2").regressions}
    assert "gradient_spikes" in spiky
    assert "loss_fall" in {one.check.value for one in judged(trained, "rate", "2").regressions}


def test_a_training_depends_on_its_seed_alone() -> None:
    short = replace(SCRIPT, steps=5)
    assert list(train(short, 1)) == list(train(short, 1))
    assert list(train(short, 1)) != list(train(short, 2))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_every_script_takes_a_step(script: Script) -> None:
    rows = list(train(replace(script, steps=2, every=1), 1))
    assert [row[0] for row in rows] == [0, 1]
    assert all(norm > 0 for _, _, norm in rows)


@pytest.mark.parametrize("baselines", plan.BASELINES)
def test_the_plan_has_the_pairs_it_promises(baselines: int) -> None:
    trials = list(plan.trials(baselines))
    healthy = [trial for trial in trials if trial.fault is None]
    assert len(healthy) >= 200
    assert len({trial.run for trial in healthy}) == len(healthy)
    assert all(len(trial.good) == baselines and trial.run not in trial.good for trial in trials)
    for fault in FAULTS:
        assert sum(trial.fault == fault for trial in trials) >= 50


def test_the_bound_of_a_rate() -> None:
    assert scoring.upper_bound(0, 200) == pytest.approx(0.0149, abs=1e-4)
    assert scoring.upper_bound(2, 200) == pytest.approx(0.0311, abs=1e-3)
