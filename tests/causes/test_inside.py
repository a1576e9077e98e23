"""What `gradcheck watch` saw decides: first what it must not decide, then every cause it proves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pytest

from gradcheck import plugins, weighing, weight_table
from gradcheck.clues import inside
from gradcheck.model import HEALTHY, Family, Observation, Run, RunReport, Severity
from tests.causes import runs
from tests.causes.runs import INF, NAN, broken_from, logged, watched
from tests.synthetic import (
    Columns,
    constant,
    decay,
    diagnosed,
    first_cause,
    norms,
    put,
    run_of,
    scale,
)

ROWS, AT, LATE = 400, 300, 390
SURE = 0.9
HABITS = [
    key
    for key, kind in inside.CLUES.items()
    if not kind.against  # what is seen in a training that nothing broke
]


def without_norms(columns: runs.Columns) -> runs.Columns:
    return {name: values for name, values in columns.items() if "grad" not in name}


FIRST_ROW = {"loss": constant(60, NAN), "grad_norm": constant(60, NAN)}
SUDDEN = runs.sudden(ROWS, 1.0)
INFINITE = runs.certain_to_infinity(ROWS, 1.0)
EXPLOSION = broken_from(runs.exploding_late(ROWS, 1.0), LATE)
SHAKEN_OFF = {"loss": put(decay(ROWS), AT, NAN), "grad_norm": put(norms(ROWS), AT, NAN)}
LATER_ROWS: dict[str, tuple[Columns, int]] = {
    "out of the blue": (SUDDEN, AT),
    "out of the blue, loss only": (without_norms(SUDDEN), AT),
    "where the log ends": ({name: values[: AT + 1] for name, values in SUDDEN.items()}, AT),
    "infinite first": (INFINITE, AT),
    "infinite first, loss only": (without_norms(INFINITE), AT),
    "gradient first": (runs.backward_only(ROWS, 1.0), AT),
    "in one row": (SHAKEN_OFF, AT),
}
AFTER_GROWTH: dict[str, tuple[Columns, int]] = {
    "after an explosion": (EXPLOSION, LATE),
    "after an explosion, loss only": (without_norms(EXPLOSION), LATE),
}
AT_FIRST: dict[str, tuple[Columns, int]] = {
    "in the first row": (FIRST_ROW, 0),
    "in the first row, loss only": (without_norms(FIRST_ROW), 0),
}
EVERYWHERE = {**AT_FIRST, **LATER_ROWS, **AFTER_GROWTH}
PROVEN: dict[str, tuple[str, Mapping[str, tuple[Columns, int]]]] = {
    "input_nonfinite": ("nonfinite_input", EVERYWHERE),
    "target_nonfinite": ("nonfinite_target", EVERYWHERE),
    "log_of_zero_ran": ("log_of_zero", EVERYWHERE),
    "division_by_zero_ran": ("division_by_zero", EVERYWHERE),
    "argument_left_domain": ("argument_out_of_domain", EVERYWHERE),
    "exponential_overflowed": ("exponential_overflow", EVERYWHERE),
    "ratio_overflowed": ("policy_ratio_explosion", EVERYWHERE),
    "softmax_row_masked": ("fully_masked_softmax", EVERYWHERE),
    "operation_undefined": ("undefined_operation", EVERYWHERE),
    "gradient_undefined": ("undefined_gradient", EVERYWHERE),
    "statistic_of_one": ("partial_last_batch", EVERYWHERE),
    "no_target_counted": ("empty_targets", EVERYWHERE),
    "ctc_did_not_fit": ("target_out_of_range", EVERYWHERE),
    "target_left_domain": ("target_out_of_range", EVERYWHERE),
    "buffer_nonfinite": ("poisoned_buffers", EVERYWHERE),
    "half_update_nonfinite": ("half_precision_optimizer", EVERYWHERE),
    "weight_nonfinite": ("corrupted_weights", LATER_ROWS),
    "moment_nonfinite": ("corrupted_weights", LATER_ROWS),
    "half_overflowed": ("half_precision_overflow", {**AT_FIRST, **LATER_ROWS}),
    # what ends a script does so in a run that looked sound
    "target_outside_classes": ("index_out_of_range", LATER_ROWS),
    "id_outside_table": ("index_out_of_range", LATER_ROWS),
    "one_value_to_normalise": ("partial_last_batch", LATER_ROWS),
    "probability_outside_range": ("target_out_of_range", LATER_ROWS),
}
"""The cause that a clue proves, and the circumstances in which it does."""


def family(cause: str) -> str:
    return weight_table.causes()[cause].family.value


def is_sure_of(report: RunReport, cause: str, least: float = SURE) -> bool:
    told = report.diagnoses[0]
    return (report.verdict, told.cause) == (family(cause), cause) and told.confidence >= least


# ---- what must not be decided


EVENTFUL = "buffer_nonfinite"
"""Seen in a run whose loss is fine: its evaluation is broken for good."""


@pytest.mark.parametrize("key", sorted(inside.CLUES.keys() - {EVENTFUL}))
@pytest.mark.parametrize("unit", [1e-3, 1.0, 400.0])
def test_a_sound_run_stays_healthy_whatever_was_seen(key: str, unit: float) -> None:
    run = watched(runs.healthy(ROWS, unit), key, step=AT)
    report = diagnosed(run)
    assert (report.verdict, report.severity, report.diagnoses) == (HEALTHY, None, ())


def test_poisoned_statistics_are_a_failure_though_the_loss_is_fine() -> None:
    report = diagnosed(watched(runs.healthy(ROWS, 1.0), EVENTFUL, step=AT))
    assert report.severity is Severity.FAILURE
    assert first_cause(report) == "poisoned_buffers"


@pytest.mark.parametrize("key", sorted(inside.CLUES.keys() - {EVENTFUL}))
def test_a_spike_shaken_off_is_no_failure_for_it(key: str) -> None:
    spike = run_of({"loss": scale(decay(ROWS), AT, 9.0), "grad_norm": norms(ROWS)})
    assert diagnosed(watched(spike, key, step=5)).severity == diagnosed(spike).severity


def test_steps_that_a_scaler_skipped_at_first_break_nothing() -> None:
    columns = {
        **runs.healthy(ROWS, 1.0),
        "grad_norm": put(norms(ROWS), [0, 1], INF),
        "loss_scale": np.concatenate([[32768.0], constant(ROWS - 1, 16384.0)]),
    }
    report = diagnosed(watched(columns, "half_gradient_overflowed", step=0))
    assert (report.verdict, report.diagnoses) == (HEALTHY, ())


@pytest.mark.parametrize("key", ["gradients_kept", "accumulated_undivided"])
def test_deliberate_accumulation_is_healthy(key: str) -> None:
    saw = norms(ROWS) * (1 + np.arange(ROWS) % 4)
    columns = {**runs.healthy(ROWS, 1.0), "grad_norm": saw}
    assert diagnosed(watched(columns, key, step=4)).verdict == HEALTHY


UNWATCHED: dict[str, Columns | Run] = {
    "healthy": runs.healthy(ROWS, 1.0),
    "sudden": SUDDEN,
    "first row": FIRST_ROW,
    "explosion": EXPLOSION,
    "divergence": runs.exploding_late(ROWS, 1.0),
    "outlier": runs.wrecking_outlier(ROWS, 1.0),
    "bad resume": runs.bad_resume(ROWS, 1.0),
    "plateau": runs.nothing_learned(ROWS, 1.0),
}


@pytest.mark.parametrize("made", UNWATCHED.values(), ids=UNWATCHED)
def test_a_key_of_a_later_version_says_nothing(made: Columns | Run) -> None:
    run = made if isinstance(made, Run) else logged(dict_of(made))
    seen = watched(run, "seen_by_a_later_version", step=AT)
    assert repr(dataclasses.replace(diagnosed(seen), run=run)) == repr(diagnosed(run))


@pytest.mark.parametrize("key", sorted(inside.STALLS))
@pytest.mark.parametrize("name", ["sudden", "explosion", "divergence", "outlier"])
def test_what_only_stalls_a_run_explains_no_failure(name: str, key: str) -> None:
    run = UNWATCHED[name]
    before = diagnosed(run)
    after = diagnosed(watched(dict_of(run), key, step=AT))
    assert (after.verdict, first_cause(after)) == (before.verdict, first_cause(before))


BREAKING = [key for key in HABITS if key not in inside.STALLS]


@pytest.mark.parametrize("key", sorted(set(BREAKING) - inside.EITHER))
def test_what_only_breaks_a_run_explains_no_plateau(key: str) -> None:
    report = diagnosed(watched(runs.nothing_learned(ROWS, 1.0), key, step=AT))
    assert report.verdict == "stalled_training"


def test_targets_in_raw_units_may_be_why_nothing_is_learned() -> None:
    run = watched(runs.nothing_learned(ROWS, 1e9), "targets_far_from_unit", step=0)
    assert "unscaled_features" in [told.cause for told in diagnosed(run).diagnoses[:2]]
    huge = {**runs.nothing_learned(ROWS, 1e12), "grad_norm": norms(ROWS, usual=1e7)}
    report = diagnosed(watched(huge, "targets_far_from_unit", step=0))
    assert report.events[0].kind.value == "loss_spike"  # a warning
    assert first_cause(report) == "unscaled_features"


# what else writes to a gradient may be what makes it NaN
@pytest.mark.parametrize("key", sorted(set(BREAKING) - {"weights_written_outside"}))
def test_no_habit_of_the_loop_decides_a_gradient_that_fails_first(key: str) -> None:
    report = diagnosed(watched(runs.backward_only(ROWS, 1.0), key, step=AT))
    assert (report.verdict, first_cause(report)) == ("unstable_loss", "undefined_gradient")


@pytest.mark.parametrize("key", [*BREAKING, *sorted(inside.STALLS)])
def test_a_proof_outweighs_every_habit(key: str) -> None:
    report = diagnosed(watched(SUDDEN, key, "input_nonfinite", step=AT))
    assert is_sure_of(report, "nonfinite_input")


# ---- what is proven


CASES = [
    pytest.param(key, cause, made, id=f"{key}: {words}")
    for key, (cause, circumstances) in PROVEN.items()
    for words, made in circumstances.items()
]


@pytest.mark.parametrize(("key", "cause", "made"), CASES)
def test_the_inside_proves_a_cause(key: str, cause: str, made: tuple[Columns, int]) -> None:
    columns, step = made
    report = diagnosed(watched(dict_of(columns), key, step=step))
    assert is_sure_of(report, cause)
    told = report.diagnoses[0]
    assert told.evidence[0].statement == f"{key} was seen"
    assert told.evidence[0].first_step == step
    assert told.where is not None
    assert told.where.line == 41
    assert told.remedies
    replaced = weight_table.causes()[cause].instead_of
    assert not {rejection.cause for rejection in told.ruled_out} & {cause, *replaced}


@pytest.mark.parametrize("key", PROVEN)
def test_a_proof_does_not_rest_on_the_fit(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighing, "fitted", weight_table.expected)
    cause, circumstances = PROVEN[key]
    for name in circumstances.keys() - AFTER_GROWTH.keys():
        columns, step = circumstances[name]
        assert is_sure_of(diagnosed(watched(dict_of(columns), key, step=step)), cause), name


@pytest.mark.parametrize("key", ["weight_nonfinite", "moment_nonfinite"])
@pytest.mark.parametrize("name", EVERYWHERE)
def test_a_state_that_was_not_finite_is_corrupted(name: str, key: str) -> None:
    columns, step = EVERYWHERE[name]
    report = diagnosed(watched(dict_of(columns), key, step=step))
    assert (report.verdict, report.confidence >= SURE) == ("corrupted_state", True)
    begins = name in AT_FIRST
    expected = "nonfinite_from_the_start" if begins else "corrupted_weights"
    assert first_cause(report) == expected or name in AFTER_GROWTH


def test_a_checkpoint_that_was_not_finite() -> None:
    run = watched(runs.bad_checkpoint(ROWS, 1.0), "weight_nonfinite", step=50_000)
    assert is_sure_of(diagnosed(run), "nonfinite_from_the_start")


@pytest.mark.parametrize("name", LATER_ROWS)
def test_gradients_that_left_float16(name: str) -> None:
    columns, step = LATER_ROWS[name]
    report = diagnosed(watched(dict_of(columns), "half_gradient_overflowed", step=step))
    assert (report.verdict, report.confidence >= SURE) == ("unstable_loss", True)
    assert first_cause(report) == "loss_scale_collapse"


def test_a_loss_scale_that_collapsed() -> None:
    run = watched(runs.collapsing_scale(ROWS, 1.0), "half_gradient_overflowed", step=AT)
    assert is_sure_of(diagnosed(run), "loss_scale_collapse")


@pytest.mark.parametrize("key", ["half_overflowed", "half_gradient_overflowed"])
def test_float16_that_an_explosion_left_is_not_its_cause(key: str) -> None:
    columns = broken_from(runs.overshooting(ROWS, 1.0), 60)
    report = diagnosed(watched(columns, key, step=60))
    assert is_sure_of(report, "learning_rate_too_high")


@pytest.mark.parametrize("key", ["input_nonfinite", "target_nonfinite"])
def test_a_bad_batch_is_no_unstable_loss_though_the_loss_was_infinite_first(key: str) -> None:
    report = diagnosed(watched(INFINITE, key, step=AT))
    assert report.verdict == "bad_data"
    assert diagnosed(INFINITE).verdict == "unstable_loss"
    assert "unstable_loss" not in {told.family.value for told in report.diagnoses}


FINE = {
    "nonfinite_input_or_target": ("nonfinite_input", "nonfinite_target"),
    "undefined_operation": (
        "log_of_zero",
        "division_by_zero",
        "argument_out_of_domain",
        "fully_masked_softmax",
    ),
    "overflow_or_log_of_zero": ("log_of_zero", "division_by_zero", "exponential_overflow"),
    "gradient_growth": ("recurrent_growth", "misplaced_clipping"),
    "unclipped_gradient_spikes": ("recurrent_growth", "misplaced_clipping"),
}


@pytest.mark.parametrize("coarse", FINE)
def test_a_cause_of_the_log_gives_way_to_the_finer_ones(coarse: str) -> None:
    docs = plugins.modules("causes", "CAUSE")
    said = {m.__name__.rpartition(".")[2]: m.__doc__ or "" for m in docs}[coarse]
    table = weight_table.expected()
    for fine in FINE[coarse]:
        assert coarse in weight_table.causes()[fine].instead_of
        assert fine in said
        for key in table.keys[fine]:
            assert table.of(coarse, key) < table.of(fine, key) - 8


def test_what_a_cause_replaces_exists() -> None:
    causes = weight_table.causes()
    for name, cause in causes.items():
        assert set(cause.instead_of) <= causes.keys() - {name}


# ---- finite trouble, and mistakes of the loop that broke a run

EXPLODING = runs.exploding_late(ROWS, 1.0)
JUMPED = {series.name: series.value for series in runs.resumed_bare(ROWS, 1.0).series}
FINITE: dict[str, tuple[runs.Columns, tuple[str, ...], str]] = {
    "kept gradients": (EXPLODING, ("gradients_kept",), "missing_zero_grad"),
    "kept gradients, to NaN": (EXPLOSION, ("gradients_kept",), "missing_zero_grad"),
    "kept gradients, loss only": (
        without_norms(EXPLODING),
        ("gradients_kept",),
        "missing_zero_grad",
    ),
    "a clip before backward": (EXPLODING, ("clipped_too_early",), "misplaced_clipping"),
    "a clip after the step": (EXPLOSION, ("clipped_too_late",), "misplaced_clipping"),
    "a clip after the step, loss only": (
        without_norms(EXPLODING),
        ("clipped_too_late",),
        "misplaced_clipping",
    ),
    "a clip before backward, at a rate too high": (
        runs.overshooting(ROWS, 1.0),
        ("clipped_too_early",),
        "misplaced_clipping",
    ),
    "a clip in the wrong place, rare large gradients": (
        runs.heavy_tails(ROWS, 1.0),
        ("clipped_too_early",),
        "misplaced_clipping",
    ),
    "a sum of losses": (
        runs.overshooting(ROWS, 1.0),
        ("accumulated_undivided",),
        "undivided_accumulation",
    ),
    "a sum of losses, long updates": (
        EXPLOSION,
        ("accumulated_undivided", "update_too_long"),
        "undivided_accumulation",
    ),
    "a sum of losses, loss only": (
        without_norms(EXPLODING),
        ("accumulated_undivided",),
        "undivided_accumulation",
    ),
    "an optimizer that forgot": (
        JUMPED,
        ("optimizer_began_anew",),
        "resumed_without_state",
    ),
    "a wrong sign": (EXPLODING, ("update_climbs",), "gradient_ascent"),
    "a wrong sign from the start": (
        runs.ascending(ROWS, 1.0),
        ("update_climbs",),
        "gradient_ascent",
    ),
    "a negated loss": (EXPLODING, ("loss_negated",), "gradient_ascent"),
    "a term subtracted": (
        runs.running_down(ROWS, 1.0),
        ("loss_partly_negated",),
        "unbounded_loss",
    ),
    "a recurrence": (EXPLODING, ("recurrence_grows",), "recurrent_growth"),
    "a recurrence, to NaN": (
        EXPLOSION,
        ("recurrence_grows", "float_overflowed"),
        "recurrent_growth",
    ),
    "a recurrence, loss only": (
        without_norms(EXPLODING),
        ("recurrence_grows",),
        "recurrent_growth",
    ),
    "a recurrence, now and then": (
        runs.heavy_tails(ROWS, 1.0),
        ("recurrence_grows",),
        "recurrent_growth",
    ),
    "long updates": (EXPLODING, ("update_too_long",), "learning_rate_too_high"),
    "long updates that overflowed": (
        EXPLOSION,
        ("update_too_long", "float_overflowed"),
        "learning_rate_too_high",
    ),
    "long updates after a jump of the rate": (
        runs.raised_rate(ROWS, 1.0),
        ("update_too_long", "float_overflowed"),
        "learning_rate_schedule",
    ),
    "signals that grow": (
        runs.huge_weights(ROWS, 1.0),
        ("activations_grow_with_depth",),
        "poor_initialization",
    ),
    "signals that grow, loss only": (
        without_norms(runs.huge_weights(ROWS, 1.0)),
        ("activations_grow_with_depth", "float_overflowed"),
        "poor_initialization",
    ),
    "raw inputs": (
        without_norms(runs.raw_features(ROWS, 1.0)),
        ("inputs_far_from_unit",),
        "unscaled_features",
    ),
    "raw targets": (
        without_norms(runs.raw_features(ROWS, 1.0)),
        ("targets_far_from_unit", "float_overflowed"),
        "unscaled_features",
    ),
    "an outlier": (runs.wrecking_outlier(ROWS, 1.0), ("batch_stands_out",), "outlier_batch"),
    "an outlier among the targets": (
        without_norms(runs.wrecking_outlier(ROWS, 1.0)),
        ("target_stands_out",),
        "outlier_batch",
    ),
    "a moment that lagged": (
        runs.stale_moment(ROWS, 1.0),
        ("moment_lagged",),
        "stale_second_moment",
    ),
    "a moment that lagged, to divergence": (
        EXPLODING,
        ("moment_lagged",),
        "stale_second_moment",
    ),
    "dead units": (runs.switched_off(ROWS, 1.0), ("units_dead_inside",), "dead_units"),
    "gradients that fade": (
        runs.nothing_learned(ROWS, 1.0),
        ("gradients_fade_with_depth",),
        "vanishing_gradients",
    ),
    "parameters left out": (
        runs.nothing_learned(ROWS, 1.0),
        ("parameters_left_out",),
        "nothing_learned",
    ),
    "a clip of scaled gradients": (
        runs.nothing_learned(ROWS, 1.0),
        ("clipped_while_scaled",),
        "clipping_before_unscale",
    ),
}


@pytest.mark.parametrize(("columns", "keys", "cause"), FINITE.values(), ids=FINITE)
def test_finite_trouble(columns: runs.Columns, keys: tuple[str, ...], cause: str) -> None:
    step = diagnosed(columns).first_bad_step
    assert is_sure_of(diagnosed(watched(columns, *keys, step=step)), cause)


@pytest.mark.parametrize("key", ["inputs_far_from_unit", "activations_grow_with_depth"])
def test_the_two_first_losses_that_a_log_cannot_tell_apart(key: str) -> None:
    columns = broken_from({"loss": np.full(60, 4e6), "grad_norm": np.full(60, 6e6)}, 1)
    cause = "unscaled_features" if key == "inputs_far_from_unit" else "poor_initialization"
    assert diagnosed(columns).diagnoses[0].confidence < SURE
    assert is_sure_of(diagnosed(watched(columns, key, step=0)), cause)


@pytest.mark.parametrize("name", AFTER_GROWTH)
def test_an_overflow_of_float32_is_the_end_of_an_explosion(name: str) -> None:
    columns, step = AFTER_GROWTH[name]
    report = diagnosed(watched(dict_of(columns), "float_overflowed", step=step))
    assert (report.verdict, report.confidence >= SURE) == ("exploding_gradients", True)


@pytest.mark.parametrize("name", LATER_ROWS)
def test_an_overflow_of_float32_is_neither_data_nor_operation(name: str) -> None:
    columns, step = LATER_ROWS[name]
    report = diagnosed(watched(dict_of(columns), "float_overflowed", step=step))
    ruled_out = {
        "undefined_operation",
        "overflow_or_log_of_zero",
        "nonfinite_input_or_target",
        "nonfinite_input",
        "nonfinite_target",
    }
    assert not {told.cause for told in report.diagnoses} & ruled_out


def test_an_explosion_is_shown_where_its_numbers_overflowed() -> None:
    columns, step = next(iter(AFTER_GROWTH.values()))
    run = watched(dict_of(columns), "float_overflowed", step=step)
    told = diagnosed(run).diagnoses[0]
    place = next(seen.where for seen in run.observations)
    assert place is not None
    assert told.where == dataclasses.replace(place, samples=None)
    # the samples of the step that overflowed are not those that began it
    named = dataclasses.replace(place, samples=(3,))
    seen = tuple(dataclasses.replace(one, where=named) for one in run.observations)
    again = diagnosed(dataclasses.replace(run, observations=seen)).diagnoses[0]
    assert again.where == told.where


def test_an_update_that_made_weights_nonfinite_is_what_the_log_says_it_is() -> None:
    grown = diagnosed(watched(EXPLOSION, "update_made_nonfinite", step=LATE))
    assert (grown.verdict, first_cause(grown)) == ("exploding_gradients", "learning_rate_too_high")
    sudden = diagnosed(watched(SUDDEN, "update_made_nonfinite", step=AT))
    assert (sudden.verdict, first_cause(sudden)) == ("unstable_loss", "undefined_operation")


def test_weights_that_were_overwritten_are_a_suspicion() -> None:
    flipped = runs.flipped_bit(ROWS, 1.0)
    before, after = diagnosed(flipped), diagnosed(watched(flipped, "weights_written_outside"))
    assert after.diagnoses[0].cause == "corrupted_weights"
    assert after.diagnoses[0].confidence > before.diagnoses[0].confidence
    assert first_cause(diagnosed(watched(EXPLODING, "weights_written_outside"))) != (
        "corrupted_weights"
    )


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (runs.hot_temperature(ROWS, 1.0), "temperature_runaway"),
        (runs.policy_left(ROWS, 1.0), "policy_ratio_explosion"),
    ],
)
def test_an_exponential_that_something_drove_to_overflow(made: runs.Columns, cause: str) -> None:
    step = diagnosed(made).first_bad_step
    assert is_sure_of(diagnosed(watched(made, "exponential_overflowed", step=step)), cause, 0.75)


def test_a_script_that_ended_in_a_bad_index() -> None:
    run = watched(runs.crashing(ROWS, 1.0), "id_outside_table", step=ROWS)
    assert is_sure_of(diagnosed(run), "index_out_of_range")


def test_the_remedies_have_the_numbers_that_were_seen() -> None:
    summed = Observation("accumulated_undivided", "8 losses", 0, values={"count": 8.0})
    overflowed = Observation("exponential_overflowed", "exp", AT, values={"argument": 92.5})
    run = dataclasses.replace(logged(runs.overshooting(ROWS, 1.0)), observations=(summed,))
    assert "(loss / 8).backward()" in (diagnosed(run).diagnoses[0].remedies[0].snippet or "")
    run = dataclasses.replace(logged(SUDDEN), observations=(overflowed,))
    assert "(it was 92.5)" in diagnosed(run).diagnoses[0].remedies[1].action


def test_every_cause_that_the_inside_speaks_for_has_a_case_here() -> None:
    table = weight_table.expected()
    spoken = {name for name in table.keys if table.keys[name] & inside.CLUES.keys()}
    proven = {cause for cause, _ in PROVEN.values()}
    others = {"nonfinite_from_the_start", "loss_scale_collapse"}
    # float_overflowed leaves it to the log, and so does a batch whether it comes back
    weak = {"gradient_growth", "recurring_bad_batch"}
    assert proven | {cause for _, _, cause in FINITE.values()} | others | weak == spoken
    assert {weight_table.causes()[cause].family for cause in spoken} == set(Family)


def dict_of(columns: Columns | Run) -> runs.Columns:
    """Columns of which each has every row, as these runs all do."""
    assert not isinstance(columns, Run)
    return {name: np.asarray(column) for name, column in columns.items()}


@pytest.mark.parametrize("key", ["targets_far_from_unit", "inputs_far_from_unit"])
def test_a_jump_of_the_rate_alone_leaves_nothing_open(key: str) -> None:
    """Each fold of a cross-validation begins with the first rate again."""
    half = ROWS // 2
    rate = np.concatenate([np.geomspace(0.05, 1e-3, half), np.geomspace(0.05, 1e-3, half)])
    norm = scale(norms(ROWS), slice(half, None), 2.5) * 1e10
    columns = {**runs.healthy(ROWS, 1e12), "lr": rate, "grad_norm": norm}
    report = diagnosed(watched(columns, key, step=0))
    assert [event.kind.value for event in report.events] == ["learning_rate_jump"]
    assert report.verdict == HEALTHY
