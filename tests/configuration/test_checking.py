"""What a settings file may say, and the one line that refuses the rest."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcheck.configuration import checking, effective, names
from gradcheck.configuration.settings import Acceptance, Level, Settings
from gradcheck.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = Path("gradcheck.toml")

WHOLE = """
fail-on = "spike"
loss = "train/loss"
grad-norm = "norm"
learning-rate = "lr"
baseline = "runs/good"

[thresholds]
gradient_spike = 10
loss_spike = 1.5
[tolerances]
loss_end = 0.05
[causes]
outlier_batch = "warning"
[events]
plateau = "ignore"
[regressions]
gradient_spikes = "spike"

[[accept]]
event = "gradient_spike"
run = "runs/warm*"
reason = "no  warm-up"
until = 2026-12-31
"""


def read(text: str, file: Path = FILE) -> Settings:
    return checking.check(tomllib.loads(text), file)


def test_everything_at_once() -> None:
    told = read(WHOLE)
    assert told.fail_on == "spike"
    assert told.roles == {"loss": "train/loss", "grad-norm": "norm", "learning-rate": "lr"}
    assert told.baselines == ("runs/good",)
    assert told.thresholds == {"gradient_spike": 10.0, "loss_spike": 1.5}
    assert told.tolerances == {"loss_end": 0.05}
    assert told.causes == {"outlier_batch": Level.WARNING}
    assert told.events == {"plateau": Level.IGNORE}
    assert told.regressions == {"gradient_spikes": Level.SPIKE}
    day = datetime.date(2026, 12, 31)
    assert told.accepted == (
        Acceptance("event", "gradient_spike", "no warm-up", "runs/warm*", day),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fail_on = 'spike'", "no key 'fail_on': did you mean fail-on?"),
        ("fail-on = 'rain'", "fail-on: takes one of failure, spike, warning, never, not 'rain'"),
        ("fail-on = 3", "fail-on: takes one of failure, spike, warning, never, not 3"),
        ("zebra = 1", "no key 'zebra': there are fail-on, loss,"),
        ("loss = ''", "loss: takes a text that is not empty, not ''"),
        ("loss = ['a']", "loss: takes a text that is not empty, not a list"),
        ("baseline = []", "baseline: takes a path or a list of paths, not a list"),
        ("baseline = [3]", "baseline: takes a text that is not empty, not 3"),
        ("thresholds = 3", "thresholds: is a table, not 3"),
        ("[thresholds]\nplateau = 3", "no key 'plateau' in thresholds: there are gradient_spike"),
        ("[thresholds]\ngradient_spike = 2", "thresholds.gradient_spike: takes 4 or more, not 2"),
        ("[thresholds]\ngradient_spike = true", "gradient_spike: takes a number, not True"),
        ("[thresholds]\ngradient_spike = nan", "gradient_spike: takes a number, not nan"),
        ("[tolerances]\nloss_end = -1", "tolerances.loss_end: takes a share of 0 or more, not -1"),
        ("[tolerances]\nlossend = 1", "no key 'lossend' in tolerances: did you mean loss_end?"),
        ("[causes]\noutlier-bach = 'spike'", "did you mean outlier_batch?"),
        ("[causes]\nzebra = 'spike'", "gradcheck explain lists the causes"),
        ("[causes]\noutlier_batch = 'off'", "takes one of ignore, warning, spike, failure, not"),
        ("[events]\nplatau = 'spike'", "no key 'platau' in events: did you mean plateau?"),
        ("[accept]\nevent = 'plateau'", "accept: is a list of tables"),
        ("[[accept]]\nreason = 'x'", "accept number 1: names one of cause, event and regression"),
        ("[[accept]]\nevent = 'plateau'", "accept number 1: give a reason why plateau"),
        ("[[accept]]\nevent = 'plateau'\nreason = '  '", "give a reason why plateau is accepted"),
        ("[[accept]]\nevent = 'plato'\nreason = 'x'", "no event 'plato': did you mean plateau?"),
        ("[[accept]]\ncause = 'x'\nreason = 'x'", "no cause 'x': gradcheck explain lists"),
        ("[[accept]]\nevent = 'plateau'\nreason = 'x'\nruns = 'y'", "did you mean run?"),
        (
            "[[accept]]\nevent = 'plateau'\nreason = 'x'\nuntil = 'soon'",
            "accept number 1, until: takes a day such as 2026-12-31, not 'soon'",
        ),
        ("[tool.gradcheck]\nfail-on = 'spike'", "[tool.gradcheck] belongs in pyproject.toml"),
    ],
)
def test_what_means_nothing_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value).startswith("gradcheck.toml: ")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["fail-on", "loss", "baseline", "thresholds", "causes", "accept", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=8), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_any_values_are_settings_or_one_refusal(table: dict[str, object]) -> None:
    try:
        checked = checking.check(table, FILE)
    except UsageError as error:
        assert str(error).startswith("gradcheck.toml: ")
        return
    assert list(effective.listing(checked))


def test_names_are_those_of_the_report() -> None:
    assert "outlier_batch" in names.causes()
    assert "gradient_spike" in names.events()
    assert "loss_end" in names.checks()
    assert names.least_ratios() == {"gradient_spike": 4.0, "loss_spike": 1.3}
