"""A run beside good runs: another seed passes, and each kind of regression is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcheck.comparison.alignment import NotComparable
from gradcheck.comparison.checks import compare
from gradcheck.model import Check, Comparison, FloatArray, Role, Run, Severity
from tests.comparison.made_up import ROWS, curves, good, run

Change = Callable[[dict[Role, FloatArray]], None]


def worse(change: Change, seed: int = 50, baselines: tuple[int, ...] = (1,)) -> set[str]:
    columns = curves(seed)
    change(columns)
    return named(compare(run(columns), good(*baselines)))


def named(comparison: Comparison) -> set[str]:
    return {one.check.value for one in comparison.regressions}


@pytest.mark.parametrize("baselines", [(1,), (1, 2, 3)])
def test_another_seed_passes(baselines: tuple[int, ...]) -> None:
    for seed in range(100, 140):
        assert named(compare(run(curves(seed)), good(*baselines))) == set()


def one_spike(columns: dict[Role, FloatArray]) -> None:
    columns[Role.GRAD_NORM][200] *= 30


def some_spikes(columns: dict[Role, FloatArray]) -> None:
    columns[Role.GRAD_NORM][[100, 150, 200, 250, 300]] *= 6


def loss_spike(columns: dict[Role, FloatArray]) -> None:
    columns[Role.LOSS][200:203] *= 5


def higher_norm(columns: dict[Role, FloatArray]) -> None:
    columns[Role.GRAD_NORM] *= 1.6


def slower_fall(columns: dict[Role, FloatArray]) -> None:
    shape = 0.4 + 1.9 * np.exp(-4 * np.linspace(0, 1, ROWS))
    columns[Role.LOSS] *= shape / (0.4 + 1.9 * np.exp(-8 * np.linspace(0, 1, ROWS)))


def worse_end(columns: dict[Role, FloatArray]) -> None:
    columns[Role.LOSS][300:] *= 1.25


@pytest.mark.parametrize("baselines", [(1,), (1, 2, 3)])
@pytest.mark.parametrize(
    ("change", "check"),
    [
        (one_spike, Check.GRADIENT_SPIKES),
        (some_spikes, Check.GRADIENT_SPIKES),
        (loss_spike, Check.LOSS_SPIKES),
        (higher_norm, Check.GRADIENT_NORM),
        (slower_fall, Check.LOSS_FALL),
        (worse_end, Check.LOSS_END),
    ],
)
def test_a_regression_is_named(change: Change, check: Check, baselines: tuple[int, ...]) -> None:
    assert check.value in worse(change, baselines=baselines)


def test_what_is_better_is_no_regression() -> None:
    def better(columns: dict[Role, FloatArray]) -> None:
        columns[Role.LOSS] *= 0.5
        columns[Role.GRAD_NORM] *= 0.5

    assert worse(better) == set()


def test_a_tolerance_lets_pass_what_is_within_it() -> None:
    columns = curves(50)
    columns[Role.GRAD_NORM] *= 1.6
    assert named(compare(run(columns), good(1), {"gradient_norm": 0.6})) == set()


def test_what_is_compared_is_told_with_its_numbers() -> None:
    columns = curves(50)
    columns[Role.GRAD_NORM][200] = 60.0
    comparison = compare(run(columns), good(1))
    first = comparison.compared[0]
    assert (first.check, first.severity) == (Check.GRADIENT_SPIKES, Severity.FAILURE)
    assert first.excess == max(one.excess for one in comparison.compared)
    assert first.usual < first.limit < first.value
    assert first.first_step == first.last_step == 200
    assert "at most at step 200; in the good run to" in first.statement
    checks = {one.check for one in comparison.compared}
    assert checks == set(Check) - {Check.VALIDATION_END}
    assert (comparison.along, comparison.first_step, comparison.last_step) == ("step", 0, 399)
    envelope = next(one for one in comparison.envelopes if one.role is Role.LOSS)
    assert len(envelope.step) == len(envelope.level) == len(envelope.usual) == len(envelope.high)
    assert bool((envelope.high > envelope.usual).all())


def test_the_same_numbers_give_the_same_answer() -> None:
    once = compare(run(curves(50)), good(1, 2))
    again = compare(run(curves(50)), good(1, 2))
    assert once.compared == again.compared


def test_the_run_itself_passes() -> None:
    comparison = compare(run(curves(1)), good(1))
    assert not comparison.regressions
    assert all(one.excess < 1 for one in comparison.compared)


def test_a_shorter_run_is_compared_over_the_common_steps() -> None:
    columns = {role: values[:250] for role, values in curves(50).items()}
    comparison = compare(run(columns), good(1))
    assert named(comparison) == set()
    assert comparison.last_step == 249
    assert comparison.notes == ("runs of another length: only the common steps 0 to 249 count",)


def test_a_few_zeros_do_not_change_the_scale() -> None:
    columns = curves(50)
    columns[Role.GRAD_NORM][[3, 90]] = 0.0
    columns[Role.GRAD_NORM][200] *= 30
    assert named(compare(run(columns), good(1))) == {"gradient_spikes"}


def test_another_cadence_is_told() -> None:
    columns = {role: values[::5] for role, values in curves(50).items()}
    comparison = compare(run(columns, every=5), good(1))
    assert named(comparison) == set()
    assert "another cadence: 80 points of grad_norm here, 396" in comparison.notes[0]


def test_steps_that_have_nothing_in_common_are_compared_by_progress() -> None:
    comparison = compare(run(curves(50), first=10_000), good(1))
    assert comparison.along == "progress"
    assert named(comparison) == set()


def test_a_changed_learning_rate_is_told() -> None:
    def with_rate(seed: int, rate: float) -> Run:
        return run({**curves(seed), Role.LEARNING_RATE: np.full(ROWS, rate)})

    comparison = compare(with_rate(50, 3e-3), [with_rate(1, 1e-3)])
    assert comparison.notes == ("the learning rate goes up to 0.003; in the baseline to 0.001",)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({Role.ACCURACY: np.ones(50)}, "no role in common"),
        ({Role.LOSS: np.ones(10)}, "fewer than 16 points"),
        ({Role.LOSS: np.full(100, np.nan)}, "fewer than 16 points"),
    ],
)
def test_what_cannot_be_compared(columns: dict[Role, FloatArray], said: str) -> None:
    with pytest.raises(NotComparable, match=said):
        compare(run(columns), good(1))


values = st.lists(
    st.floats(-1e300, 1e300) | st.sampled_from([0.0, 1.0, 5e-324, np.nan, np.inf]),
    min_size=16,
    max_size=60,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values, values, values)
@pytest.mark.filterwarnings("error")
def test_any_numbers_are_compared_or_refused(
    mine: list[float], norm: list[float], theirs: list[float]
) -> None:
    columns = {Role.LOSS: np.array(mine), Role.GRAD_NORM: np.array(norm)}
    try:
        comparison = compare(run(columns), [run({Role.LOSS: np.array(theirs)}, path="good")])
    except NotComparable:
        return
    assert all(np.isfinite(one.excess) for one in comparison.compared)
