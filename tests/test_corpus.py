"""Real logs: every NaN is found at its step, and no healthy run is called broken."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck.model import Kind, RunReport, Severity

CORPUS = Path(__file__).parents[2] / "shared" / "corpus"
FORMATS = {"lightning_csv", "keras_csvlog", "results_csv", "history_csv", "progress_csv",
           "algoperf_csv", "tfevents", "text", "trainer_state", "trainer_log_jsonl",
           "megatron_golden", "detectron2_json"}  # fmt: skip
ALGOPERF = (
    "mlcommons__submissions_algorithms/previous_leaderboards/algoperf_v05/logs/external_tuning/"
    "generalized_adam/{}/trial_1/{}"
)
TRUTH: dict[str, int] = {
    "Essoz__ml-daikon-empirical-study-eecs598/DeepSpeed-1773/date_24-02-18_time_20-35-04/"
    "events.out.tfevents.1708288517.ring19.395179.0": 444,
    "Essoz__ml-daikon-empirical-study-eecs598/DeepSpeed-1773/output.txt": 444,
    "karpathy__nanochat/sft_run.log": 2,
    "SreeSatyaGit__PINAPINN/lightning_logs/version_2/metrics.csv": 1,
    "SreeSatyaGit__PINAPINN/lightning_logs/version_3/metrics.csv": 1,
    "SreeSatyaGit__PINAPINN/lightning_logs/version_5/metrics.csv": 1,
    "SreeSatyaGit__PINAPINN/lightning_logs/version_7/metrics.csv": 1,
    ALGOPERF.format("study_3/librispeech_conformer_jax", "measurements.csv"): 1854,
    ALGOPERF.format("study_3/librispeech_conformer_layernorm_jax", "measurements.csv"): 1870,
    ALGOPERF.format("study_4/librispeech_conformer_jax", "measurements.csv"): 1717,
    ALGOPERF.format(
        "study_3/librispeech_conformer_jax",
        "events.out.tfevents.1719893077.a7000508395c.1498.0.v2",
    ): 1854,
    ALGOPERF.format(
        "study_3/librispeech_conformer_layernorm_jax",
        "events.out.tfevents.1719959506.7711a30a08ad.1498.0.v2",
    ): 1870,
    ALGOPERF.format(
        "study_4/librispeech_conformer_jax",
        "events.out.tfevents.1719890501.ec0151370e3e.1498.0.v2",
    ): 1717,
}
"""First bad step of each nan/inf run, read from its series by eye."""
FIRST_NAN: dict[str, int] = {
    ALGOPERF.format("study_3/librispeech_conformer_jax", "measurements.csv"): 11173,
    ALGOPERF.format("study_3/librispeech_conformer_layernorm_jax", "measurements.csv"): 7571,
    ALGOPERF.format("study_4/librispeech_conformer_jax", "measurements.csv"): 13827,
}
"""Where a run had diverged before: its first blank cell, which is a NaN."""
RECOVERED = "DCY501__Dehaze_YOLOv8/runs/detect/dehaze_005_100e/results.csv"
"""One validation loss is infinite in one epoch, and training goes on."""

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="the corpus is not here")


def of_class(label: str) -> list[str]:
    index = CORPUS / "index.tsv"
    if not index.exists():
        return []
    with index.open(newline="") as opened:
        rows = list(csv.DictReader(opened, delimiter="\t"))
    return [row["file"] for row in rows if row["class"] == label and row["format"] in FORMATS]


def report_of(file: str) -> RunReport:
    (report,) = gradcheck.analyze(CORPUS / file).runs
    return report


def rows_apart(report: RunReport, name: str | None, one: int, other: int) -> int:
    """How many logged rows of a series lie between two steps."""
    steps = np.unique(next(series.step for series in report.run.series if series.name == name))
    return abs(int(np.searchsorted(steps, one)) - int(np.searchsorted(steps, other)))


def test_the_truth_is_told_for_every_nan_run() -> None:
    assert set(of_class("nan/inf")) == {*TRUTH, RECOVERED}


@pytest.mark.parametrize(("file", "step"), TRUTH.items(), ids=lambda value: str(value)[-60:])
def test_a_nan_run_fails_at_its_step(file: str, step: int) -> None:
    report = report_of(file)
    failures = [event for event in report.events if event.severity is Severity.FAILURE]
    first = min(failures, key=lambda event: event.order)
    assert first.step is not None
    assert rows_apart(report, first.series, first.step, step) <= 1
    assert report.verdict != "healthy"


@pytest.mark.parametrize(("file", "step"), FIRST_NAN.items(), ids=lambda value: str(value)[-60:])
def test_a_nan_after_a_divergence_is_told_too(file: str, step: int) -> None:
    found = [e.step for e in report_of(file).events if e.kind is Kind.NONFINITE_LOSS]
    assert found == [step]


def test_one_infinite_validation_loss_is_no_failure() -> None:
    report = report_of(RECOVERED)
    assert report.severity is Severity.WARNING
    assert report.verdict == "healthy"


@pytest.mark.parametrize("file", of_class("healthy"), ids=lambda file: file[-60:])
def test_no_healthy_run_fails(file: str) -> None:
    for report in gradcheck.analyze(CORPUS / file).runs:
        assert report.severity is not Severity.FAILURE
        assert report.verdict == "healthy"
