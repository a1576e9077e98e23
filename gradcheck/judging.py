"""Judges runs as a gate does: diagnosed, compared with good runs, under the project's settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gradcheck import diagnosis, loading, policy
from gradcheck.model import HEALTHY, Kind, Report, RunReport

if TYPE_CHECKING:
    from gradcheck.configuration.settings import Settings


def judge(
    paths: Sequence[str | Path],
    settings: Settings,
    *,
    progress: loading.Progress = loading.quietly,
    verify: bool = False,
) -> Report:
    """The report of the runs behind `paths`, in which what is accepted is marked.

    Raises:
        UsageError: no path exists, or the baseline cannot be used.
    """
    overrides = settings.overrides
    least = {Kind(name): ratio for name, ratio in settings.thresholds.items()}
    good = []
    if settings.baselines:
        from gradcheck.comparison import baselines  # noqa: PLC0415 - most calls need none

        diagnose = partial(diagnosis.diagnose, least=least)
        good = baselines.load(settings.baselines, overrides, diagnose)
    report = diagnosis.analyze(
        *paths, overrides=overrides, progress=progress, verify=verify, least=least
    )
    if good:
        report = baselines.against(report, good, settings.tolerances)
    return by_gravity(policy.apply(report, settings))


def by_gravity(report: Report) -> Report:
    """The runs that fail the gate come first; else the order stays."""

    def rank(run: RunReport) -> int:
        return -run.open_severity.rank if run.regressions and run.open_severity else 0

    healthy = [run for run in report.runs if run.verdict == HEALTHY]
    bad = [run for run in report.runs if run.verdict != HEALTHY]
    return replace(report, runs=(*bad, *sorted(healthy, key=rank)))
