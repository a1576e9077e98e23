"""The evaluation judges by the rules of `diagnosis`: its predictions are what reports say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck import weight_table
from gradcheck.model import HEALTHY
from tests.evaluation import observations
from tests.evaluation.fitting import CIRCUMSTANCES, Parameters, design
from tests.evaluation.judging import Prediction, calibrated_temperature, predict
from tests.evaluation.made_up import observation, seen, truth
from tests.evaluation.observations import Observation, observe
from tests.faults.suite import Truth
from tests.samples import LOGS, Sample, all_samples

COLUMNS = design()
SAMPLES = {
    f"{s.verdict}/{s.name}": s
    for s in all_samples()
    if s.name
    in {
        "all_targets_ignored", "cosine_restarts", "clipped_spike", "corrupt_sample", "deep_sigmoid",
        "duplicate_pair", "gamma_above_one", "gan", "half_precision_overflow", "raw_features",
        "resumed", "step_too_large", "sudden_nan", "sudden_nan_loss_only", "warmup_hump",
    }
}  # fmt: skip


def shipped() -> Parameters:
    """The fitted table of the package as matrices."""
    table = weight_table.fitted()
    weights = [[table.of(cause, clue) for clue in COLUMNS.clues] for cause in COLUMNS.causes]
    priors = [table.prior[cause] for cause in COLUMNS.causes]
    return Parameters(
        np.array(weights), np.array(priors), np.array([table.none[c] for c in CIRCUMSTANCES])
    )


def truth_of(sample: Sample) -> Truth:
    path = str(sample.logs.relative_to(LOGS))
    return replace(truth(sample.name, sample.verdict, sample.cause), path=path)


def observed(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> Observation:
    monkeypatch.setattr(observations, "ROOT", LOGS)
    return observations._observe_one(truth_of(sample))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_prediction_is_what_the_report_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sample = SAMPLES[name]
    (told,) = predict(COLUMNS, shipped(), [observed(sample, monkeypatch)])
    (report,) = gradcheck.analyze(sample.logs).runs
    assert told.verdict == report.verdict
    assert told.first_bad_step == report.first_bad_step
    assert told.severity == (report.severity.value if report.severity else None)
    assert sorted(told.kinds) == sorted(event.kind.value for event in report.events)
    if report.verdict != HEALTHY:
        assert round(told.confidence, 4) == report.confidence
    causes = dict(told.causes)
    for diagnosis in report.diagnoses:
        assert causes[diagnosis.cause] == pytest.approx(diagnosis.confidence, abs=6e-5)
    shown = [diagnosis.cause for diagnosis in report.diagnoses]
    assert [cause for cause, _ in told.causes if cause in shown] == shown


def test_an_observation_is_the_same_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time no log is looked at; with another truth the cache is of no use."""
    (tmp_path / "healthy").symlink_to(LOGS / "healthy")
    monkeypatch.setattr(observations, "ROOT", tmp_path)
    monkeypatch.setattr(observations, "WORKERS", 1)
    for old in ("healthy/gan", "healthy/resumed"):
        (tmp_path / "logs" / old).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "logs" / old).symlink_to(LOGS / old)
        (tmp_path / "logs" / f"{old}.made-by").write_text("test")
    truths = [replace(truth(n), path=f"logs/healthy/{n}") for n in ("gan", "resumed")]
    first = observe(truths)
    assert [len(one.seen) for one in first] == [1, len(first[1].seen)]

    def fails(one: Truth) -> Observation:
        raise AssertionError(one)

    monkeypatch.setattr(observations, "_observe_one", fails)
    assert observe(truths) == first
    assert len(list(tmp_path.glob("observations-*.json"))) == 1
    before = observations._digest(truths)
    assert observations._digest(truths[:1]) != before
    (tmp_path / "logs/healthy/gan.made-by").write_text("other")
    assert observations._digest(truths) != before


def predicted(one: Observation) -> Prediction:
    (found,) = predict(COLUMNS, shipped(), [one])
    return found


def test_a_log_that_could_not_be_read_says_nothing() -> None:
    found = predicted(Observation(truth(), ()))
    assert (found.verdict, found.severity, found.families) == (HEALTHY, None, ())


def test_probabilities_are_those_of_all_causes() -> None:
    found = predicted(observation(truth(), {"loss_climbed": 1.0}, "failed"))
    assert len(found.causes) == len(COLUMNS.causes)
    assert sum(p for _, p in found.families) == pytest.approx(sum(p for _, p in found.causes))
    assert sum(p for _, p in found.causes) < 1
    for pairs in (found.families, found.causes):
        assert [p for _, p in pairs] == sorted((p for _, p in pairs), reverse=True)


def test_the_worst_attempt_is_told_with_the_events_of_all() -> None:
    attempts = (seen({}, "quiet"), seen({}, "failed"), seen({}, "passing"))
    found = predicted(Observation(truth(), attempts))
    assert found.verdict == "inconclusive"
    assert found.severity == "failure"
    assert found.first_bad_step == 5


def test_a_temperature_evens_probabilities_out() -> None:
    expects = weight_table.expected().weight["gradient_ascent"]
    clues = {k: 1.0 for k, w in expects.items() if w >= weight_table.KEY}
    one = observation(truth(), clues, "failed")
    sharp, flat = (predict(COLUMNS, shipped(), [one], t)[0].families[0][1] for t in (0.5, 3.0))
    assert sharp > flat


def test_the_temperature_makes_reports_as_sure_as_they_are_right() -> None:
    """Always right asks for a low one; right half of the time for a higher one."""
    table = weight_table.expected()
    cause = "gradient_ascent"
    family = weight_table.causes()[cause].family.value
    clues = {k: 1.0 for k, w in table.weight[cause].items() if w >= weight_table.KEY}
    right = [observation(truth(f"r{i}", family, cause), clues, "failed") for i in range(6)]
    wrong = [
        observation(truth(f"w{i}", "bad_data", "outlier_batch"), clues, "failed") for i in range(6)
    ]
    assert predicted(right[0]).families[0][0] == family
    surest = calibrated_temperature(COLUMNS, [(shipped(), right)])
    unsure = calibrated_temperature(COLUMNS, [(shipped(), right[:3]), (shipped(), wrong[:3])])
    assert surest < unsure
