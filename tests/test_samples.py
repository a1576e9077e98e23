"""Every run of sample_logs/ gets the verdict of its folder and the cause its script declares."""

from __future__ import annotations

from collections import Counter

import pytest

import gradcheck
from gradcheck.gate import FailOn, exit_code
from gradcheck.model import HEALTHY, INCONCLUSIVE, Severity
from tests.samples import LOGS, Sample, all_samples
from tests.synthetic import first_cause

SAMPLES = all_samples()
BROKEN = [s for s in SAMPLES if s.verdict not in (HEALTHY, "stalled_training")]


def named(samples: list[Sample]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("sample", samples, ids=[s.name for s in samples])


def of(verdict: str) -> list[Sample]:
    return [sample for sample in SAMPLES if sample.verdict == verdict]


@named(SAMPLES)
def test_verdict_and_cause(sample: Sample) -> None:
    (report,) = gradcheck.analyze(sample.logs).runs
    # the cause is always named first; a probability just short of deciding is an honest answer
    assert report.verdict in (sample.verdict, INCONCLUSIVE if sample.cause else sample.verdict)
    if sample.cause is not None:
        assert first_cause(report) == sample.cause


def test_nearly_all_samples_are_decided() -> None:
    reports = [gradcheck.analyze(s.logs).runs[0] for s in SAMPLES if s.verdict != INCONCLUSIVE]
    undecided = [report for report in reports if report.verdict == INCONCLUSIVE]
    assert len(undecided) <= 0.05 * len(reports)


@named(of(HEALTHY))
def test_healthy_runs_do_not_fail_a_build(sample: Sample) -> None:
    report = gradcheck.analyze(sample.logs)
    assert report.runs[0].severity is not Severity.FAILURE
    assert exit_code(report, FailOn.FAILURE) == 0


@named(BROKEN)
def test_broken_runs_say_where_they_broke(sample: Sample) -> None:
    (report,) = gradcheck.analyze(sample.logs).runs
    assert report.first_bad_step is not None
    assert report.events
    assert all(diagnosis.evidence for diagnosis in report.diagnoses)


@named(of(INCONCLUSIVE))
def test_an_undecided_run_names_several_families(sample: Sample) -> None:
    (report,) = gradcheck.analyze(sample.logs).runs
    assert len({diagnosis.family for diagnosis in report.diagnoses}) > 1
    assert report.confidence < 0.6


def test_every_log_has_a_script_and_every_script_a_log() -> None:
    logged = {path for path in LOGS.glob("*/*") if path.is_dir()}
    assert logged == {sample.logs for sample in SAMPLES}
    assert all(any(path.iterdir()) for path in logged)


def test_the_samples_span_the_families() -> None:
    counts = Counter(sample.verdict for sample in SAMPLES)
    assert counts[HEALTHY] >= 8
    assert sum(counts.values()) - counts[HEALTHY] >= 12
    assert {"exploding_gradients", "bad_data", "unstable_loss"} <= set(counts)
    suffixes = {path.suffix for path in LOGS.glob("*/*/*")}
    assert ".csv" in suffixes
    assert any("tfevents" in path.name for path in LOGS.glob("*/*/*"))


def test_all_samples_in_one_call_come_worst_first() -> None:
    report = gradcheck.analyze(LOGS)
    assert len(report.runs) == len(SAMPLES)
    assert report.unread == ()
    failed = [run.severity is Severity.FAILURE for run in report.runs]
    assert failed == sorted(failed, reverse=True)
