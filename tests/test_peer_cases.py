"""The cases that other tools get wrong, each on several scales of the loss.

Every case is written as CSV and as event files, and must come out right at default settings.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gradcheck
from gradcheck.gate import FailOn, exit_code
from gradcheck.model import Kind, Report, RunReport, Severity
from tests.synthetic import Column, decay, norms, write_csv, write_events

Columns = dict[str, Column]
SCALES = [1.0, 1e-3, 400.0]
WRITERS: dict[str, Callable[[Path, Columns], Path]] = {
    "csv": lambda path, columns: write_csv(path / "log.csv", columns),
    "events": write_events,
}


@pytest.fixture(params=SCALES, ids=lambda scale: f"x{scale:g}")
def scale(request: pytest.FixtureRequest) -> float:
    """The unit of the loss: nothing may depend on it."""
    return float(request.param)


@pytest.fixture(params=WRITERS)
def analyse(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Report]:
    """Writes columns in one of the formats and analyses the result."""
    write = WRITERS[request.param]

    def run(**columns: Column) -> Report:
        return gradcheck.analyze(write(tmp_path, columns))

    return run


Analyse = Callable[..., Report]


def only(report: Report) -> RunReport:
    """The report of the single run."""
    (run,) = report.runs
    return run


def rate(rows: int, peak: float = 1e-3) -> Column:
    """A constant learning rate after a short linear warm-up."""
    return peak * np.minimum(1.0, (np.arange(rows) + 1) / 20)


def test_one_bad_batch_per_epoch_is_found_with_its_period(analyse: Analyse, scale: float) -> None:
    loss = decay(1000) * scale
    loss[137::200] *= 12
    norm = norms(1000)
    norm[137::200] *= 15
    run = only(analyse(loss=loss, grad_norm=norm, lr=rate(1000)))
    assert run.verdict == "bad_data"
    assert run.diagnoses[0].cause == "recurring_bad_batch"
    assert "200" in run.diagnoses[0].evidence[0].statement
    assert "batch 137" in run.diagnoses[0].remedies[0].action
    assert not any("earning rate" in r.action for r in run.diagnoses[0].remedies)


def test_benign_loss_scale_skips_raise_nothing(analyse: Analyse, scale: float) -> None:
    norm, loss_scale = norms(800), np.full(800, 65536.0)
    for row in (90, 310, 500, 730):
        norm[row] = np.inf
        loss_scale[row + 1 :] /= 2
        loss_scale[row + 60 :] *= 2
    run = only(analyse(loss=decay(800) * scale, grad_norm=norm, loss_scale=loss_scale))
    assert run.verdict == "healthy"
    assert run.events == ()


def test_benign_skips_without_a_logged_scale_are_at_most_a_warning(analyse: Analyse) -> None:
    norm = norms(800)
    norm[[90, 310, 500, 730]] = np.inf
    report = analyse(loss=decay(800), grad_norm=norm)
    assert only(report).verdict == "healthy"
    assert exit_code(report, FailOn.SPIKE) == 0


def test_loss_zero_of_the_huggingface_filter_is_a_hidden_nan(
    analyse: Analyse, scale: float
) -> None:
    loss = decay(300) * scale
    loss[180:] = 0.0
    run = only(analyse(loss=loss, learning_rate=rate(300)))
    assert [e.kind for e in run.events] == [Kind.MASKED_NONFINITE]
    assert run.severity is Severity.FAILURE
    assert run.first_bad_step == 180


def test_the_same_filter_beside_a_nan_gradient_norm(analyse: Analyse) -> None:
    loss, norm = decay(300), norms(300)
    loss[180:], norm[180:] = 0.0, np.nan
    run = only(analyse(loss=loss, grad_norm=norm))
    assert Kind.MASKED_NONFINITE in {e.kind for e in run.events}
    assert run.severity is Severity.FAILURE
    assert run.first_bad_step == 180


def test_fine_loss_beside_a_nan_gradient_norm(analyse: Analyse, scale: float) -> None:
    norm = norms(600)
    norm[400:] = np.nan
    run = only(analyse(loss=decay(600) * scale, grad_norm=norm))
    assert run.severity is Severity.FAILURE
    assert run.first_bad_step == 400
    assert run.verdict == "unstable_loss"


def test_explosion_at_a_constant_rate_is_not_blamed_on_the_schedule(
    analyse: Analyse, scale: float
) -> None:
    loss, norm = decay(400), norms(400)
    growth = 1.45 ** np.arange(40)
    loss[360:] *= growth
    norm[360:] *= growth
    run = only(analyse(loss=loss * scale, grad_norm=norm, lr=rate(400)))
    assert run.verdict == "exploding_gradients"
    assert "learning_rate_schedule" not in {d.cause for d in run.diagnoses}
    assert abs((run.first_bad_step or 0) - 360) <= 5


def test_nan_from_step_1_is_not_simply_the_learning_rate(analyse: Analyse) -> None:
    loss = np.full(200, np.nan)
    loss[0] = 2.3
    run = only(analyse(loss=loss))
    assert run.severity is Severity.FAILURE
    assert run.first_bad_step == 1
    assert run.verdict == "inconclusive"
    assert len({d.family for d in run.diagnoses}) >= 3


def test_nan_from_step_0_cannot_be_the_learning_rate(analyse: Analyse) -> None:
    run = only(analyse(loss=np.full(200, np.nan), lr=rate(200)))
    assert run.first_bad_step == 0
    assert "learning_rate_too_high" not in {d.cause for d in run.diagnoses}


def test_a_gradient_spike_without_a_loss_spike_fails_the_gate(
    analyse: Analyse, scale: float
) -> None:
    norm = norms(500)
    norm[333] *= 40
    report = analyse(loss=decay(500) * scale, grad_norm=norm)
    assert [e.kind for e in only(report).events] == [Kind.GRADIENT_SPIKE]
    assert only(report).events[0].step == 333
    assert exit_code(report, FailOn.SPIKE) == 1
    assert exit_code(report, FailOn.FAILURE) == 0


def test_a_loss_spike_behind_a_clipped_norm_is_seen(analyse: Analyse, scale: float) -> None:
    loss = decay(500) * scale
    loss[300:303] *= np.array([8.0, 4.0, 2.0])
    norm = np.minimum(norms(500), 1.0)
    norm[300:303] = 1.0
    run = only(analyse(loss=loss, grad_norm=norm))
    assert [(e.kind, e.step) for e in run.events] == [(Kind.LOSS_SPIKE, 300)]


def test_a_resume_that_rewinds_is_no_spike(tmp_path: Path, scale: float) -> None:
    steps = np.concatenate([np.arange(500), np.arange(450, 900)])
    loss = decay(950) * scale
    report = gradcheck.analyze(write_csv(tmp_path / "log.csv", {"loss": loss}, steps))
    run = only(report)
    assert [(e.kind, e.step, e.last_step) for e in run.events] == [(Kind.STEP_REWIND, 450, 499)]
    assert run.verdict == "healthy"
    assert exit_code(report, FailOn.SPIKE) == 0


def test_an_unreadable_file_is_no_finding(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(b"step,loss\x00\x01\x02\n\x00\x00")
    report = gradcheck.analyze(tmp_path / "log.csv")
    assert report.runs == ()
    assert exit_code(report, FailOn.FAILURE) == 2
