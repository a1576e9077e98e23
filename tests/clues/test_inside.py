"""Clues of what `gradcheck watch` saw: passed on where they belong to the trouble of the run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gradcheck.clues import inside
from gradcheck.model import Observation, Run, Where
from tests.causes import runs
from tests.clues import Table, cases
from tests.synthetic import Columns, case_of, clues_of, decay, norms, put, run_of

ROWS, AT = 200, 150
FAILED = run_of({"loss": put(decay(ROWS), slice(AT, None), np.nan)})
EXPLODED = run_of(runs.exploding_late(ROWS, 1.0))
STALLED = run_of(runs.nothing_learned(ROWS, 1.0))
DRIFTING = run_of(runs.never_cleared(ROWS, 1.0))
"""Its gradients only grow: a divergence that is no more than a warning."""
HEALTHY = run_of({"loss": decay(ROWS)})
SPIKING = run_of({"loss": put(decay(ROWS), AT, 30.0), "grad_norm": put(norms(ROWS), AT, 90.0)})
LATER = "something_of_a_later_version"


def watched(key: str, step: int | None = AT, run: Run = FAILED, strength: float = 1.0) -> Run:
    """The run, in which that was seen at that step besides what was seen before."""
    seen = Observation(key, f"{key} in short", step, strength)
    return dataclasses.replace(run, observations=(*run.observations, seen))


EVENTFUL = "buffer_nonfinite"
"""A failure by itself, whatever the loss does."""
LASTING = inside.LASTING | {EVENTFUL}


def proof(key: str) -> dict[str, Run | Columns]:
    """Runs in which something else broke the numbers."""
    other = "log_of_zero_ran" if key != "log_of_zero_ran" else "input_nonfinite"
    before = {"shaken off before": watched(key, AT - 10)}
    return {
        **({} if key in LASTING else before),
        "left by another": watched(key, AT + 1, watched(other)),
        "not seen": watched(LATER),
    }


def habit() -> dict[str, Run | Columns]:
    return {"not watched": EXPLODED, "another": watched("input_nonfinite"), "later": watched(LATER)}


def scaled_away(key: str) -> dict[str, Run | Columns]:
    """Runs that did not fail: a scaler found its scale by skipping such steps."""
    return {
        "healthy": watched(key, 7, HEALTHY),
        "warned of": watched(key, 7, STALLED),
        "spiking": watched(key, 7, SPIKING),
    }


UNSEEN: Table = {
    "input_nonfinite": {**proof("input_nonfinite")},
    "target_nonfinite": {**proof("target_nonfinite")},
    "weight_nonfinite": {**proof("weight_nonfinite")},
    "buffer_nonfinite": {**proof("buffer_nonfinite")},
    "moment_nonfinite": {**proof("moment_nonfinite")},
    "log_of_zero_ran": {**proof("log_of_zero_ran")},
    "division_by_zero_ran": {**proof("division_by_zero_ran")},
    "argument_left_domain": {**proof("argument_left_domain")},
    "exponential_overflowed": {**proof("exponential_overflowed")},
    "ratio_overflowed": {**proof("ratio_overflowed")},
    "softmax_row_masked": {**proof("softmax_row_masked")},
    "statistic_of_one": {**proof("statistic_of_one")},
    "operation_undefined": {**proof("operation_undefined")},
    "gradient_undefined": {**proof("gradient_undefined")},
    "half_overflowed": {**proof("half_overflowed"), **scaled_away("half_overflowed")},
    "half_gradient_overflowed": {
        **proof("half_gradient_overflowed"),
        **scaled_away("half_gradient_overflowed"),
    },
    "float_overflowed": {**proof("float_overflowed")},
    "update_made_nonfinite": {**proof("update_made_nonfinite")},
    "half_update_nonfinite": {**proof("half_update_nonfinite")},
    "no_target_counted": {**proof("no_target_counted")},
    "ctc_did_not_fit": {**proof("ctc_did_not_fit")},
    "target_left_domain": {**proof("target_left_domain")},
    "target_outside_classes": {**proof("target_outside_classes")},
    "id_outside_table": {**proof("id_outside_table")},
    "one_value_to_normalise": {**proof("one_value_to_normalise")},
    "probability_outside_range": {**proof("probability_outside_range")},
    "gradients_kept": {**habit()},
    "clipped_while_scaled": {**habit()},
    "clipped_too_late": {**habit()},
    "clipped_too_early": {**habit()},
    "clipped_nothing": {**habit()},
    "accumulated_undivided": {**habit()},
    "update_climbs": {**habit()},
    "loss_negated": {**habit()},
    "loss_partly_negated": {**habit()},
    "parameters_left_out": {**habit()},
    "model_left_out": {**habit()},
    "gradients_missing": {**habit()},
    "moments_lost": {**habit()},
    "weights_written_outside": {**habit()},
    "update_too_long": {**habit()},
    "activations_grow_with_depth": {**habit()},
    "signal_keeps_size": {**habit()},
    "optimizer_began_anew": {**habit()},
    "inputs_far_from_unit": {**habit()},
    "targets_far_from_unit": {**habit()},
    "batch_stands_out": {**habit()},
    "sample_returns": {**habit()},
    "batch_shrank": {**habit()},
    "batch_ordinary": {**habit()},
    "targets_in_range": {**habit()},
    "density_narrowed": {**habit()},
    "target_stands_out": {**habit()},
    "recurrence_grows": {**habit()},
    "moment_lagged": {**habit()},
    "ratio_left_range": {**habit()},
    "units_dead_inside": {**habit()},
    "gradients_fade_with_depth": {**habit()},
}


def at_the_failure(key: str) -> dict[str, Run | Columns]:
    sound = {"in a run that looks sound": watched(key, 7, HEALTHY)}
    return {
        "in the step of the failure": watched(key),
        "in the update before": watched(key, AT - 1),
        "at no step": watched(key, None),
        **({} if key in inside.SCALED_AWAY else sound),
    }


def anywhere(key: str) -> dict[str, Run | Columns]:
    return {"at first": watched(key, 0, EXPLODED), "at the failure": watched(key)}


SEEN: Table = {
    "input_nonfinite": {**at_the_failure("input_nonfinite")},
    "target_nonfinite": {**at_the_failure("target_nonfinite")},
    "weight_nonfinite": {**at_the_failure("weight_nonfinite")},
    "buffer_nonfinite": {**at_the_failure("buffer_nonfinite")},
    "moment_nonfinite": {**at_the_failure("moment_nonfinite")},
    "log_of_zero_ran": {**at_the_failure("log_of_zero_ran")},
    "division_by_zero_ran": {**at_the_failure("division_by_zero_ran")},
    "argument_left_domain": {**at_the_failure("argument_left_domain")},
    "exponential_overflowed": {**at_the_failure("exponential_overflowed")},
    "ratio_overflowed": {**at_the_failure("ratio_overflowed")},
    "softmax_row_masked": {**at_the_failure("softmax_row_masked")},
    "statistic_of_one": {**at_the_failure("statistic_of_one")},
    "operation_undefined": {**at_the_failure("operation_undefined")},
    "gradient_undefined": {**at_the_failure("gradient_undefined")},
    "half_overflowed": {**at_the_failure("half_overflowed")},
    "half_gradient_overflowed": {**at_the_failure("half_gradient_overflowed")},
    "float_overflowed": {**at_the_failure("float_overflowed")},
    "update_made_nonfinite": {**at_the_failure("update_made_nonfinite")},
    "half_update_nonfinite": {**at_the_failure("half_update_nonfinite")},
    "no_target_counted": {**at_the_failure("no_target_counted")},
    "ctc_did_not_fit": {**at_the_failure("ctc_did_not_fit")},
    "target_left_domain": {**at_the_failure("target_left_domain")},
    "target_outside_classes": {**at_the_failure("target_outside_classes")},
    "id_outside_table": {**at_the_failure("id_outside_table")},
    "one_value_to_normalise": {**at_the_failure("one_value_to_normalise")},
    "probability_outside_range": {**at_the_failure("probability_outside_range")},
    "gradients_kept": {**anywhere("gradients_kept")},
    "clipped_while_scaled": {**anywhere("clipped_while_scaled")},
    "clipped_too_late": {**anywhere("clipped_too_late")},
    "clipped_too_early": {**anywhere("clipped_too_early")},
    "clipped_nothing": {**anywhere("clipped_nothing")},
    "accumulated_undivided": {**anywhere("accumulated_undivided")},
    "update_climbs": {**anywhere("update_climbs")},
    "loss_negated": {**anywhere("loss_negated")},
    "loss_partly_negated": {**anywhere("loss_partly_negated")},
    "parameters_left_out": {**anywhere("parameters_left_out")},
    "model_left_out": {**anywhere("model_left_out")},
    "gradients_missing": {**anywhere("gradients_missing")},
    "moments_lost": {**anywhere("moments_lost")},
    "weights_written_outside": {**anywhere("weights_written_outside")},
    "update_too_long": {**anywhere("update_too_long")},
    "activations_grow_with_depth": {**anywhere("activations_grow_with_depth")},
    "signal_keeps_size": {**anywhere("signal_keeps_size")},
    "optimizer_began_anew": {**anywhere("optimizer_began_anew")},
    "inputs_far_from_unit": {**anywhere("inputs_far_from_unit")},
    "targets_far_from_unit": {**anywhere("targets_far_from_unit")},
    "batch_stands_out": {**anywhere("batch_stands_out")},
    "sample_returns": {**anywhere("sample_returns")},
    "batch_shrank": {**anywhere("batch_shrank")},
    "batch_ordinary": {**anywhere("batch_ordinary")},
    "targets_in_range": {**anywhere("targets_in_range")},
    "density_narrowed": {**anywhere("density_narrowed")},
    "target_stands_out": {**anywhere("target_stands_out")},
    "recurrence_grows": {**anywhere("recurrence_grows")},
    "moment_lagged": {**anywhere("moment_lagged")},
    "ratio_left_range": {**anywhere("ratio_left_range")},
    "units_dead_inside": {**anywhere("units_dead_inside")},
    "gradients_fade_with_depth": {**anywhere("gradients_fade_with_depth")},
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


def test_what_was_seen_is_passed_on_as_it_is() -> None:
    where = Where("loss", "head", "aten::log", "train.py", 41, (137,))
    seen = Observation("log_of_zero_ran", "log met 3 zeros", AT, 0.8, {"zeros": 3.0}, where)
    clue = clues_of(dataclasses.replace(FAILED, observations=(seen,)))["log_of_zero_ran"]
    assert (clue.evidence.statement, clue.strength) == ("log met 3 zeros", 0.8)
    assert (clue.evidence.series, clue.evidence.first_step) == (None, AT)
    assert (clue.values, clue.where) == ({"zeros": 3.0}, where)


def test_buffers_that_a_skipped_batch_poisoned_are_told_with_its_samples() -> None:
    batch = Observation(
        "input_nonfinite", "the inputs hold NaN", AT, where=Where("input", samples=(7, 9))
    )
    left = Observation(
        "buffer_nonfinite", "running_mean is not finite", AT + 1, where=Where("state", "norm")
    )
    clues = clues_of(dataclasses.replace(FAILED, observations=(batch, left)))
    assert "input_nonfinite" not in clues
    told = clues["buffer_nonfinite"]
    assert told.where == Where("state", "norm", samples=(7, 9))
    assert told.evidence.first_step == AT
    assert "the inputs hold NaN" in told.evidence.statement


def test_a_closer_look_gives_the_line_and_not_the_step() -> None:
    seen = [
        Observation("buffer_nonfinite", "bank is broken", AT, where=Where("state", "bank")),
        Observation("log_of_zero_ran", "later", AT + 1, where=Where("loss", line=7)),
        Observation("buffer_nonfinite", "bank, line 33", AT + 1, where=Where("state", line=33)),
    ]
    clues = clues_of(dataclasses.replace(FAILED, observations=tuple(seen)))
    told = clues["buffer_nonfinite"]
    assert "log_of_zero_ran" not in clues
    assert (told.evidence.first_step, told.where) == (AT, Where("state", line=33))


def test_the_clearest_of_a_kind_is_told_and_the_first_of_equals() -> None:
    run = watched("gradients_kept", 3, EXPLODED, 0.6)
    run = watched("gradients_kept", 9, watched("gradients_kept", 7, run))
    assert clues_of(run)["gradients_kept"].evidence.first_step == 7


def test_a_scaler_that_skipped_steps_long_before_says_nothing_of_the_failure() -> None:
    early = watched("half_gradient_overflowed", 2)
    assert set(clues_of(watched("log_of_zero_ran", AT, early))) & inside.CLUES.keys() == {
        "log_of_zero_ran"
    }


@pytest.mark.parametrize("key", sorted(inside.CLUES.keys() - inside.SCALED_AWAY))
def test_what_does_not_cause_the_trouble_at_hand_says_less(key: str) -> None:
    kind = inside.CLUES[key]
    full = {
        "healthy": key == EVENTFUL,
        "stalled": bool(kind.against) or key in inside.STALLS | inside.EITHER,
        "failed": bool(kind.against) or key not in inside.STALLS,
        "exploded": bool(kind.against) or key not in inside.STALLS,
        "drifting": True,  # nobody knows yet what becomes of it
    }
    found = {
        "healthy": HEALTHY,
        "stalled": STALLED,
        "failed": FAILED,
        "exploded": EXPLODED,
        "drifting": DRIFTING,
    }
    for name, run in found.items():
        strength = clues_of(watched(key, ROWS - 1, run))[key].strength
        assert strength == pytest.approx(1.0 if full[name] else inside.UNRELATED), name


def test_the_runs_of_these_tests_are_in_the_trouble_that_they_are_meant_for() -> None:
    triggers = [case_of(run).trigger for run in (HEALTHY, STALLED, DRIFTING, FAILED, EXPLODED)]
    assert [(one.kind.value, one.severity.value) if one else None for one in triggers] == [
        None,
        ("plateau", "warning"),
        ("divergence", "warning"),
        ("nonfinite_loss", "failure"),
        ("divergence", "failure"),
    ]
    assert case_of(FAILED).onset_step == AT
