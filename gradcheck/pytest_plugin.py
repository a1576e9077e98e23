"""The pytest plugin: a test that trains fails on gradient spikes, NaN and worse.

`@pytest.mark.gradcheck(fail_on="spike")` on a test, a class or a module, or the fixture
`gradcheck_watch`, watch the body of each test; `gradcheck_region` watches a block, as in a fixture
of a module. pytest imports this module in every project where gradcheck is installed: whatever
costs time to import is imported in a test that is watched.
"""

# ruff: noqa: PLC0415
from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gradcheck.gate import FailOn

if TYPE_CHECKING:
    from gradcheck.watched_test import Watched

NAME, FIXTURE = "gradcheck", "gradcheck_watch"
SPIKE_RATIO = 10.0
_MARK = (
    "gradcheck(fail_on, spike_ratio): watch the training in this test, and fail it on findings of "
    "this severity: failure, spike, warning, never"
)


@dataclass(frozen=True)
class Settings:
    """How a test is judged."""

    fail_on: FailOn = FailOn.FAILURE
    spike_ratio: float = SPIKE_RATIO
    """How many times the median of the other steps a gradient norm may have in the first steps."""
    demanded: bool = True
    """Whether there must be a training to judge: a mark on a whole class does not say so."""
    record: Path | None = None
    """Where to keep the record of what was seen; it is thrown away where there is none."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The defaults of the mark, and where to keep records."""
    parser.addini("gradcheck_fail_on", "severity that fails watched tests", default="failure")
    parser.addini("gradcheck_spike_ratio", "see the mark", default=str(SPIKE_RATIO))
    parser.getgroup(NAME).addoption(
        "--gradcheck-record",
        metavar="DIR",
        help="keep what watched tests recorded, for gradcheck analyze",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known, and refuse defaults that mean nothing."""
    config.addinivalue_line("markers", _MARK)
    _defaults(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a mark that means nothing before anything runs."""
    for item in items:
        if item.get_closest_marker(NAME) is not None:
            settings_of(item)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Watch the body of a test that asks for it."""
    settings = settings_of(item)
    if settings is None:
        return (yield)
    from gradcheck.watched_test import Watched

    watched = item.stash[WATCHED] = Watched(settings, item.nodeid)
    handle = getattr(item, "funcargs", {}).get(FIXTURE)
    if isinstance(handle, Handle):
        handle.watched = watched
    watched.start()
    result, raised = None, None
    try:
        result = yield
    except BaseException as error:
        raised = error
    watched.stop(raised)
    complaint = watched.complaint()
    if raised is not None and not watched.stopped:
        if complaint is not None:
            item.add_report_section("call", NAME, complaint)
        raise raised
    if complaint is not None:
        pytest.fail(complaint, pytrace=False)
    return result


WATCHED = pytest.StashKey["Watched"]()


class Handle:
    """What the fixture gives to a test."""

    def __init__(self) -> None:
        self.watched: Watched | None = None

    def stop(self) -> Any:
        """End watching before the test ends.

        Returns the `gradcheck.model.RunReport` of what was trained so far, None where that is
        nothing. The test still fails by its findings, unless its mark says otherwise.
        """
        if self.watched is not None:
            self.watched.stop()
        return self.report

    @property
    def report(self) -> Any:
        """The report, once watching has ended."""
        return None if self.watched is None else self.watched.report


@pytest.fixture
def gradcheck_watch() -> Handle:
    """Watch the training in this test: it fails on what the mark `gradcheck` names."""
    return Handle()


@pytest.fixture(scope="session")
def gradcheck_region(
    pytestconfig: pytest.Config,
) -> Callable[..., AbstractContextManager[Watched]]:
    """Watch a block: `with gradcheck_region(fail_on="spike"):`, as in a fixture of a module."""

    def region(**wishes: Any) -> AbstractContextManager[Watched]:
        from gradcheck import watched_test

        settings = _with(_defaults(pytestconfig), wishes, "gradcheck_region")
        return watched_test.region(settings)

    return region


def settings_of(item: pytest.Item) -> Settings | None:
    """How a test is to be watched; None where it is not.

    Raises:
        pytest.UsageError: a mark has arguments that mean nothing.
    """
    marks = list(item.iter_markers_with_node(NAME))
    asked = FIXTURE in getattr(item, "fixturenames", ())
    if not marks and not asked:
        return None
    wishes: dict[str, Any] = {}
    for _, mark in reversed(marks):  # the closest comes first, and wins
        if mark.args:
            raise pytest.UsageError(f"{item.nodeid}: @pytest.mark.gradcheck takes names only")
        wishes.update(mark.kwargs)
    found = _with(_defaults(item.config), wishes, f"{item.nodeid}: @pytest.mark.gradcheck")
    demanded = asked or any(node is item for node, _ in marks)
    return Settings(found.fail_on, found.spike_ratio, demanded, found.record)


def _defaults(config: pytest.Config) -> Settings:
    wishes = {name: config.getini(f"gradcheck_{name}") for name in ("fail_on", "spike_ratio")}
    named = config.getoption("--gradcheck-record")
    record = config.invocation_params.dir / named if named else None
    return _with(Settings(record=record), wishes, "pytest's settings")


def _with(settings: Settings, wishes: Mapping[str, Any], where: str) -> Settings:
    unknown = [name for name in wishes if name not in ("fail_on", "spike_ratio")]
    if unknown:
        raise pytest.UsageError(
            f"{where}: no argument is called {unknown[0]!r}: use fail_on or spike_ratio"
        )
    try:
        fail_on = FailOn(wishes.get("fail_on", settings.fail_on))
    except ValueError:
        known = ", ".join(choice.value for choice in FailOn)
        raise pytest.UsageError(
            f"{where}: fail_on={wishes['fail_on']!r}: choose one of {known}"
        ) from None
    try:
        ratio = float(wishes.get("spike_ratio", settings.spike_ratio))
    except (TypeError, ValueError):
        ratio = 0.0
    if not 1 < ratio < float("inf"):
        raise pytest.UsageError(f"{where}: spike_ratio must be a number above 1, such as 10")
    return Settings(fail_on, ratio, settings.demanded, settings.record)
