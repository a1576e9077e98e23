"""Which cause is named: first the runs that need none, then every cause, then its confounders."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gradcheck import weight_table
from gradcheck.clues import inside
from gradcheck.model import HEALTHY, INCONCLUSIVE, Run, RunReport, Severity
from tests.causes import runs
from tests.causes.runs import Columns, broken_from, logged
from tests.synthetic import (
    Column,
    constant,
    decay,
    diagnosed,
    first_cause,
    grow,
    norms,
    put,
    run_of,
    scale,
    steady,
    warm_up,
)

Maker = Callable[[int, float], Columns | Run]
NAN, INF = np.nan, np.inf
ROWS = 400
SIZES = [(120, 1.0, 1), (400, 1e-3, 1), (400, 400.0, 1), (400, 1.0, 20), (3000, 1.0, 1)]


def report_of(maker: Maker, rows: int = ROWS, unit: float = 1.0, stride: int = 1) -> RunReport:
    made = maker(rows, unit)
    return diagnosed(made if isinstance(made, Run) else logged(made, stride))


def confident(report: RunReport) -> list[str]:
    """The causes in which the report believes."""
    return [d.cause for d in report.diagnoses if d.confidence >= 0.5]


def with_columns(rows: int = ROWS, **changed: Column) -> Columns:
    return {**runs.healthy(rows, 1.0), **changed}


def sound(key: str) -> Run:
    """A healthy run in which that was seen."""
    return runs.watched(with_columns(), key, step=ROWS // 2)


NEAR_MISSES: dict[str, Columns | Run] = {
    "learning_rate_too_high: a hump that comes down": with_columns(
        loss=decay(ROWS) * (1 + 1.5 * np.exp(-(((np.arange(ROWS) - 40) / 15) ** 2)))
    ),
    "learning_rate_schedule: restarts taken in its stride": with_columns(
        lr=1e-3 * (1.0 + np.cos(np.pi * (np.arange(ROWS) % 100) / 100))
    ),
    "poor_initialization: a large first norm that is gone at once": with_columns(
        grad_norm=np.concatenate([[800.0, 90.0], norms(ROWS - 2)])
    ),
    "gradient_growth: a norm that doubles while the loss falls": with_columns(
        grad_norm=norms(ROWS) * np.linspace(1.0, 2.5, ROWS)
    ),
    "missing_zero_grad: a norm that rises in noise": with_columns(
        grad_norm=norms(ROWS, noise=0.5) * np.linspace(1.0, 4.0, ROWS)
    ),
    "nonfinite_input_or_target: a NaN metric": with_columns(
        accuracy=put(constant(ROWS, 0.5), slice(300, None), NAN)
    ),
    "outlier_batch: a batch that is twice as hard": with_columns(
        loss=scale(decay(ROWS, noise=0.15), 300, 2.0)
    ),
    "recurring_bad_batch: a ripple of the epoch": with_columns(
        loss=decay(ROWS) * (1.0 + 0.2 * (np.arange(ROWS) % 50 == 7))
    ),
    "unscaled_features: a loss in large units": with_columns(
        loss=decay(ROWS) * 1e5, grad_norm=norms(ROWS, usual=50.0)
    ),
    "empty_targets: a loss of exactly 0 now and then": with_columns(
        loss=put(decay(ROWS), [100, 200], 0.0)
    ),
    "undefined_operation: benign skips": with_columns(grad_norm=put(norms(ROWS), [90, 250], INF)),
    "unbounded_loss: a negative loss that levels off": with_columns(loss=decay(ROWS) - 4.0),
    "saturated_probabilities: a high loss of many values": with_columns(
        loss=decay(ROWS, start=9.0, end=3.0)
    ),
    "half_precision_overflow: a scaler at work": with_columns(
        loss_scale=np.where(np.arange(ROWS) % 80 < 40, 65536.0, 32768.0)
    ),
    "loss_scale_collapse: a search for the first scale": with_columns(
        grad_norm=put(norms(ROWS), slice(0, 10), INF),
        loss_scale=np.concatenate([65536 / 2.0 ** np.arange(10), constant(ROWS - 10, 64.0)]),
    ),
    "nonfinite_from_the_start: a log that begins late": logged(
        with_columns(loss=steady(ROWS, usual=0.5)), 1
    ),
    "vanishing_gradients: small norms of a loss that falls": with_columns(
        grad_norm=norms(ROWS) * 1e-7
    ),
    "collapsed_learning_rate: a schedule that ends at 0": with_columns(
        lr=1e-3 * np.linspace(1.0, 0.0, ROWS) ** 2
    ),
    "dead_units: converged": with_columns(
        loss=np.maximum(decay(ROWS, end=-0.3), 0.0),
        grad_norm=put(norms(ROWS), slice(380, None), 0.0),
    ),
    "gradient_ascent: a negative loss that falls": with_columns(loss=-decay(ROWS)[::-1]),
    "poisoned_buffers: one evaluation": run_of(
        {"loss": decay(ROWS), "val_loss": (np.arange(9, ROWS, 10), put(decay(40), 20, NAN))}
    ),
    "target_out_of_range: a likelihood below 0": with_columns(nll_loss=decay(ROWS) - 4.0),
    "index_out_of_range: an error that the run survived": runs.crashing(ROWS, 1.0, at=50),
    "nothing_learned: thirty rows of noise that fall": {"loss": decay(32, noise=0.1)},
    "undefined_gradient: infinite norms of finite gradients": with_columns(
        grad_norm=put(norms(ROWS), slice(300, 303), INF)
    ),
    "overflow_or_log_of_zero: a perplexity that overflows at the start": with_columns(
        ppl=put(np.exp(np.minimum(decay(ROWS, start=9.0), 80.0)), slice(0, 2), INF)
    ),
    "unclipped_gradient_spikes: heavy but stationary tails": with_columns(
        grad_norm=norms(ROWS, noise=0.8)
    ),
    "stale_second_moment: a norm that sinks with the loss": with_columns(
        grad_norm=norms(ROWS) * np.geomspace(1.0, 0.01, ROWS)
    ),
    "clipping_before_unscale: true norms beside a large scale": with_columns(
        loss_scale=constant(ROWS, 65536.0)
    ),
    "policy_ratio_explosion: a policy near the old one": with_columns(
        approx_kl=0.01 + 0.005 * np.sin(np.arange(ROWS)), clip_fraction=constant(ROWS, 0.2)
    ),
    "adversarial_imbalance: a game in balance": {
        "loss_d": 0.7 + 0.1 * np.sin(np.arange(ROWS) / 7),
        "loss_g": 0.8 + 0.2 * np.cos(np.arange(ROWS) / 9),
    },
    "temperature_runaway: a scale that settles at its clamp": with_columns(
        logit_scale=np.minimum(np.geomspace(14.3, 400.0, ROWS), 100.0)
    ),
    "partial_last_batch: a higher loss in the last step of each epoch": with_columns(
        loss=decay(ROWS) * (1.0 + 0.25 * (np.arange(ROWS) % 50 == 49)),
        epoch=np.floor(np.arange(ROWS) / 50),
    ),
    "half_precision_underflow: a low scale of a run that learns": with_columns(
        loss_scale=constant(ROWS, 8.0)
    ),
    "half_precision_optimizer: float16 that works": dataclasses.replace(
        logged(runs.healthy(ROWS, 1.0)), hparams={"fp16": True}
    ),
    "resumed_without_state: a seamless resume": dataclasses.replace(
        logged(runs.healthy(ROWS, 1.0)), resumed_at=(200,)
    ),
    "nonfinite_input: watched, and nothing came of it": sound("input_nonfinite"),
    "nonfinite_target: watched, and nothing came of it": sound("target_nonfinite"),
    "log_of_zero: of a term that is masked": sound("log_of_zero_ran"),
    "division_by_zero: of a term that is masked": sound("division_by_zero_ran"),
    "argument_out_of_domain: of a term that is masked": sound("argument_left_domain"),
    "exponential_overflow: of a term that is masked": sound("exponential_overflowed"),
    "fully_masked_softmax: of a row that does not count": sound("softmax_row_masked"),
    "misplaced_clipping: gradients that need none": sound("clipped_too_early"),
    "undivided_accumulation: at a rate that allows for it": sound("accumulated_undivided"),
    "recurrent_growth: within bounds": sound("recurrence_grows"),
    "corrupted_weights: harder data from a step on": with_columns(
        loss=scale(decay(ROWS, noise=0.1), slice(250, 290), 1.25)
    ),
}


@pytest.mark.parametrize("run", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses(run: Columns | Run) -> None:
    assert diagnosed(run).verdict == HEALTHY


def test_every_cause_has_a_near_miss_and_a_run() -> None:
    names = set(weight_table.causes())
    assert {words.partition(":")[0] for words in NEAR_MISSES} == names
    keys = weight_table.expected().keys
    from_a_log = {name for name in names if keys[name] - inside.CLUES.keys()}
    assert {cause for _, cause, _ in NAMED} | {
        "nonfinite_input_or_target",
        "undefined_operation",
    } == from_a_log


@pytest.mark.parametrize(("rows", "unit", "stride"), SIZES)
def test_a_healthy_run_needs_no_cause(rows: int, unit: float, stride: int) -> None:
    report = report_of(runs.healthy, rows, unit, stride)
    assert (report.verdict, report.events, report.diagnoses) == (HEALTHY, (), ())


NAMED: list[tuple[Maker, str, float | None]] = [
    (runs.crashing, "index_out_of_range", 1.0),
    (runs.overshooting, "learning_rate_too_high", None),
    (runs.exploding_late, "gradient_growth", 0.9),
    (runs.raised_rate, "learning_rate_schedule", 0.75),
    (runs.peak_of_warm_up, "learning_rate_schedule", 0.75),
    (runs.growing_gradients, "gradient_growth", None),
    (runs.huge_weights, "poor_initialization", None),
    (runs.raw_features, "unscaled_features", None),
    (runs.wrecking_outlier, "outlier_batch", 0.75),
    (runs.recurring, "recurring_bad_batch", 0.1),
    (runs.shuffled, "recurring_bad_batch", None),
    (runs.all_ignored, "empty_targets", 1 / 3),
    (runs.backward_only, "undefined_gradient", 0.75),
    (runs.certain_to_infinity, "overflow_or_log_of_zero", 0.75),
    (runs.heavy_tails, "unclipped_gradient_spikes", None),
    (runs.stale_moment, "stale_second_moment", None),
    (runs.clipped_while_scaled, "clipping_before_unscale", None),
    (runs.policy_left, "policy_ratio_explosion", None),
    (runs.won_by_one, "adversarial_imbalance", None),
    (runs.hot_temperature, "temperature_runaway", None),
    (runs.smaller_last_batch, "partial_last_batch", 0.75),
    (runs.too_small_for_half, "half_precision_underflow", None),
    (runs.half_precision_adam, "half_precision_optimizer", None),
    (runs.resumed_bare, "resumed_without_state", None),
    (runs.flipped_bit, "corrupted_weights", None),
    (runs.running_down, "unbounded_loss", None),
    (runs.saturated, "saturated_probabilities", 1 / 3),
    (runs.half_precision, "half_precision_overflow", 0.75),
    (runs.collapsing_scale, "loss_scale_collapse", 0.75),
    (runs.bad_checkpoint, "nonfinite_from_the_start", None),
    (runs.bad_resume, "nonfinite_from_the_start", 0.75),
    (runs.vanishing, "vanishing_gradients", 0.0),
    (runs.collapsed_rate, "collapsed_learning_rate", 0.2),
    (runs.switched_off, "dead_units", None),
    (runs.ascending, "gradient_ascent", None),
    (runs.mask_of_255, "target_out_of_range", None),
    (runs.too_long_for_ctc, "target_out_of_range", 0.75),
    (runs.poisoned_statistics, "poisoned_buffers", 0.5),
    (runs.nothing_learned, "nothing_learned", 0.0),
    (runs.never_cleared, "missing_zero_grad", None),
]
"""Maker, cause and the share of the rows before the first bad one."""


@pytest.mark.parametrize(("rows", "unit", "stride"), SIZES)
@pytest.mark.parametrize(("maker", "cause", "at"), NAMED, ids=[m.__name__ for m, _, _ in NAMED])
def test_the_cause_is_named(
    maker: Maker, cause: str, at: float | None, rows: int, unit: float, stride: int
) -> None:
    made = maker(rows, unit)
    if stride > 1 and (isinstance(made, Run) or maker is runs.smaller_last_batch):
        return
    report = diagnosed(made if isinstance(made, Run) else logged(made, stride))
    # a run by formula may lack what would make its cause certain, never what makes it first
    family = weight_table.causes()[cause].family.value
    shaken_off = report.severity is Severity.SPIKE
    assert report.verdict in (family, HEALTHY if shaken_off else INCONCLUSIVE, INCONCLUSIVE)
    if stride == 1 and maker is not runs.flipped_bit:
        assert first_cause(report) == cause
    else:  # a jump, or the end of an epoch, has room to hide between two rows; bits seldom flip
        assert cause in {diagnosis.cause for diagnosis in report.diagnoses}
    if report.verdict == HEALTHY:
        return
    assert report.first_bad_step is not None
    if at is not None:
        assert abs(report.first_bad_step / stride - at * rows) <= max(5, rows // 50)


@pytest.mark.parametrize(("maker", "cause", "_at"), NAMED, ids=[m.__name__ for m, _, _ in NAMED])
def test_the_diagnosis_is_complete(maker: Maker, cause: str, _at: float | None) -> None:
    best = report_of(maker).diagnoses[0]
    assert best.cause == cause
    assert best.evidence
    assert best.remedies
    assert sum(d.confidence for d in report_of(maker).diagnoses) <= 1.0 + 1e-9
    for said in best.evidence:
        assert said.first_step is not None
        assert said.last_step is not None
        assert said.first_step <= said.last_step
    assert cause not in {rejection.cause for rejection in best.ruled_out}


@pytest.mark.parametrize("unit", [1e-3, 1.0, 400.0])
@pytest.mark.parametrize("rows", [120, 400, 3000])
def test_one_outlier_among_dense_rows(rows: int, unit: float) -> None:
    report = report_of(runs.one_outlier, rows, unit)
    assert (report.verdict, first_cause(report)) == ("bad_data", "outlier_batch")
    assert report.first_bad_step == rows * 3 // 4


def test_a_spike_that_a_long_step_may_make_is_no_outlier_for_sure() -> None:
    report = report_of(lambda rows, unit: runs.one_outlier(rows, unit, 15.0), 400, 1.0)
    assert report.verdict in (HEALTHY, INCONCLUSIVE)


@pytest.mark.parametrize(("rows", "unit", "stride"), SIZES)
def test_a_sudden_nan_is_not_attributed_from_the_log(rows: int, unit: float, stride: int) -> None:
    report = report_of(runs.sudden, rows, unit, stride)
    assert report.verdict == INCONCLUSIVE
    assert report.first_bad_step == rows * 3 // 4 * stride
    assert {"nonfinite_input_or_target", "undefined_operation"} == {
        d.cause for d in report.diagnoses[:2]
    }


def test_what_would_decide_is_named_where_it_is_missing() -> None:
    report = diagnosed({"loss": put(decay(ROWS), slice(300, None), NAN)})
    assert report.verdict == INCONCLUSIVE
    assert "grad_norm" in {missing.role for missing in report.missing}
    assert all(len(missing.would_separate) > 1 for missing in report.missing)


class TestConfounders:
    """The pairs of the failure catalogue (1H) that a log can tell apart."""

    def test_1_a_rate_that_is_too_high_ramps_and_an_outlier_jumps(self) -> None:
        assert first_cause(report_of(runs.exploding_late)) == "gradient_growth"
        assert first_cause(report_of(runs.wrecking_outlier)) == "outlier_batch"

    def test_1_the_ramp_that_follows_an_outlier_does_not_hide_it(self) -> None:
        loss = np.concatenate([decay(300), [60.0], 20.0 * 1.3 ** np.arange(20.0)])
        norm = np.concatenate([norms(300), [80.0], 10.0 * 1.3 ** np.arange(20.0)])
        report = diagnosed({"loss": loss, "grad_norm": norm, "lr": constant(321)})
        assert report.first_bad_step == 300
        assert first_cause(report) == "outlier_batch"

    @pytest.mark.parametrize(
        ("weight", "bias", "cause"),
        [(2e6, 2e5, "poor_initialization"), (2e6, 1e3, "unscaled_features")],
    )
    def test_2_large_weights_or_large_inputs(self, weight: float, bias: float, cause: str) -> None:
        layer = {"grad/fc1.weight": weight, "grad/fc1.bias": bias}
        columns = {
            **broken_from({"loss": np.full(60, 4e6), "grad_norm": np.full(60, 6e6)}, 1),
            **{k: put(np.full(60, v), slice(1, None), NAN) for k, v in layer.items()},
        }
        assert first_cause(diagnosed(columns)) == cause

    def test_3_a_scaler_that_reacts_to_an_explosion_is_no_overflow(self) -> None:
        columns = broken_from(runs.exploding_late(ROWS, 1.0), 385)
        fall = np.concatenate([constant(385, 65536.0), 65536 / 2.0 ** np.arange(1, 16)])
        report = diagnosed({**columns, "loss_scale": fall})
        assert report.verdict == "exploding_gradients"
        assert first_cause(report_of(runs.half_precision)) == "half_precision_overflow"

    def test_4_no_targets_leave_no_trace_and_a_nan_label_poisons(self) -> None:
        assert first_cause(report_of(runs.all_ignored)) == "empty_targets"
        assert "empty_targets" not in {d.cause for d in report_of(runs.sudden).diagnoses}

    def test_5_backward_only_or_nan_in_the_batch(self) -> None:
        assert confident(report_of(runs.backward_only)) == ["undefined_gradient"]
        assert first_cause(report_of(runs.sudden)) == "nonfinite_input_or_target"

    def test_7_ascent_is_smooth_and_a_rate_that_is_too_high_is_not(self) -> None:
        assert first_cause(report_of(runs.ascending)) == "gradient_ascent"
        assert first_cause(report_of(runs.overshooting)) == "learning_rate_too_high"

    def test_7_a_smooth_rise_from_the_first_row_on_is_ascent(self) -> None:
        columns = runs.ascending(ROWS, 1.0)
        del columns["lr"]
        assert first_cause(diagnosed(columns)) == "gradient_ascent"

    def test_8_sums_of_gradients_are_linear_and_explosions_are_not(self) -> None:
        assert first_cause(report_of(runs.never_cleared)) == "missing_zero_grad"
        assert first_cause(report_of(runs.growing_gradients)) == "gradient_growth"

    def test_10_nan_at_a_resume_is_the_checkpoint(self) -> None:
        assert first_cause(report_of(runs.bad_resume)) == "nonfinite_from_the_start"
        away = dataclasses.replace(logged(runs.sudden(ROWS, 1.0)), resumed_at=(200,))
        assert first_cause(diagnosed(away)) != "nonfinite_from_the_start"

    def test_11_a_spike_that_is_shaken_off_is_no_divergence(self) -> None:
        spike = scale(decay(ROWS), slice(300, 312), np.linspace(9.0, 2.0, 12))
        healed = diagnosed({"loss": spike, "grad_norm": norms(ROWS)})
        stayed = diagnosed({"loss": scale(decay(ROWS), slice(300, None), 9.0)})
        assert getattr(healed.severity, "value", None) == "spike"
        assert getattr(stayed.severity, "value", None) == "failure"

    def test_12_a_broken_evaluation_is_no_explosion(self) -> None:
        report = report_of(runs.poisoned_statistics)
        assert report.verdict == "corrupted_state"
        assert "exploding_gradients" not in {d.family.value for d in report.diagnoses}

    def test_the_schedule_is_blamed_only_if_it_moved(self) -> None:
        raised = runs.raised_rate(ROWS, 1.0)
        assert first_cause(diagnosed(raised)) == "learning_rate_schedule"
        level = diagnosed({**raised, "lr": constant(ROWS)})
        assert "learning_rate_schedule" not in {d.cause for d in level.diagnoses}

    def test_restarts_that_cause_the_spikes_are_no_recurring_batch(self) -> None:
        at = slice(138, None, 200)
        rate = 1e-3 * np.where(np.arange(1000) % 200 < 137, 1.0, 10.0)
        spiky = {"loss": scale(decay(1000), at, 12.0), "grad_norm": scale(norms(1000), at, 15.0)}
        assert first_cause(diagnosed({**spiky, "lr": warm_up(1000)})) == "recurring_bad_batch"
        assert first_cause(diagnosed({**spiky, "lr": rate})) != "recurring_bad_batch"

    def test_nan_at_the_first_row_is_never_the_learning_rate(self) -> None:
        columns = {
            "loss": constant(ROWS, NAN),
            "grad_norm": constant(ROWS, NAN),
            "lr": warm_up(ROWS),
        }
        found = {d.cause for d in diagnosed(columns).diagnoses}
        assert found
        assert not found & {"learning_rate_too_high", "learning_rate_schedule", "gradient_growth"}

    def test_a_scale_of_one_rules_half_precision_out(self) -> None:
        columns = {**runs.sudden(ROWS, 1.0), "loss_scale": constant(ROWS, 1.0)}
        assert "half_precision_overflow" not in {d.cause for d in diagnosed(columns).diagnoses}

    def test_an_overflow_that_begins_in_the_gradients(self) -> None:
        assert first_cause(report_of(runs.collapsing_scale)) == "loss_scale_collapse"
        assert first_cause(report_of(runs.half_precision)) == "half_precision_overflow"

    def test_a_burst_that_switches_units_off_is_told_as_the_burst(self) -> None:
        """The first abnormal row decides; what it left behind is a consequence."""
        assert first_cause(report_of(runs.switched_off_by_a_burst)) == "outlier_batch"

    def test_a_run_that_explodes_in_its_last_rows_is_not_healthy(self) -> None:
        assert diagnosed({"loss": grow(decay(ROWS), ROWS - 8, 2.0)}).verdict != HEALTHY
