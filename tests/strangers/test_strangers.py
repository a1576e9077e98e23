"""Logs by strangers: no false alarm, and no confident wrong cause."""

from __future__ import annotations

import pytest

from gradcheck.model import HEALTHY, INCONCLUSIVE
from tests.strangers.__main__ import table
from tests.strangers.truth import Truth, outcome, truths

TRUTHS = truths()
NOT_SEEN = {"autoenc", "deep_tab", "kwspot", "tab_regress"}
"""A resume that doubles the loss for a while, a loss in the tens of billions that falls, two
that fall at once to a level and stay there: by what these logs say, a schedule, large units and
models that have learned all."""


@pytest.mark.parametrize("truth", TRUTHS, ids=lambda truth: truth.name)
def test_nothing_wrong_is_said_for_sure(truth: Truth) -> None:
    found = outcome(truth)
    if truth.family == HEALTHY:
        assert not found.failed
        assert not found.decided
    else:
        assert found.verdict in (truth.family, INCONCLUSIVE) or truth.name in NOT_SEEN


def test_the_table_counts_what_was_judged() -> None:
    found = [outcome(truth) for truth in TRUTHS[:12]]
    failing = sum(one.truth.family != HEALTHY for one in found)
    assert (
        f"| found | {sum(o.found for o in found if o.truth.family != HEALTHY) / failing:.3f} | "
        in table(found)
    )
    assert f"| healthy without failure | 1.000 | {len(found) - failing} |" in table(found)
