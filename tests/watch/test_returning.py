"""A sample that stands out again in a later spike, and what only looks like it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gradcheck import diagnosis
from gradcheck.model import Observation, RunReport, Where
from gradcheck.watch.returning import MOST_LOOKS, Survey, returns
from tests.synthetic import decay, norms, run_of

ONSET, AGAIN, THIRD = 30, 61, 90


def report() -> RunReport:
    """Three spikes of a run that is fine otherwise."""
    losses = decay(120)
    losses[[ONSET, AGAIN, THIRD]] *= 40
    found = diagnosis.diagnose(run_of({"loss": losses, "grad_norm": norms(120)}))
    assert [event.step for event in found.events] == [ONSET, AGAIN, THIRD]
    return found


def seen(key: str = "batch_stands_out", samples: tuple[int, ...] | None = (7,)) -> Observation:
    return Observation(key, "large", ONSET, where=Where("input", samples=samples))


def surveys(largest: float, samples: Sequence[int] | None) -> list[Survey]:
    """Three usual steps and a last one."""
    usual = {"input": {"largest": 2.0, "samples": [7]}, "target": {"largest": 1.0}}
    return [usual, usual, usual, {**usual, "input": {"largest": largest, "samples": samples}}]


def test_the_sample_that_two_spikes_share_is_named() -> None:
    asked = []

    def survey(first: int, last: int) -> Sequence[Survey]:
        asked.append(last)
        return surveys(90.0, [7, 12] if last == THIRD else [12])

    (told,) = returns(report(), [seen("batch_ordinary"), seen()], survey)
    assert asked == [AGAIN, THIRD]
    assert told.key == "sample_returns"
    assert told.statement == "sample 7 is in the batch of step 30, and in that of step 90 again"


@pytest.mark.parametrize(
    ("one", "largest", "samples"),
    [
        (seen(), 90.0, [8, 9]),
        (seen(), 3.0, [7]),
        (seen(), 90.0, None),
        (seen(samples=None), 90.0, [7]),
        (seen("batch_shrank"), 90.0, [7]),
    ],
    ids=["others", "as usual", "unknown", "unknown at first", "no size"],
)
def test_none_returns(one: Observation, largest: float, samples: list[int] | None) -> None:
    assert not list(returns(report(), [one], lambda first, last: surveys(largest, samples)))


def test_what_cannot_be_run_again_says_nothing() -> None:
    asked = []

    def survey(first: int, last: int) -> Sequence[Survey]:
        asked.append(last)
        return ()

    assert not list(returns(report(), [seen()], survey))
    assert len(asked) == MOST_LOOKS
