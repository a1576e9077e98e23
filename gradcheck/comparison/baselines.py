"""Compares the runs of a report with the runs that a user names as good."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from gradcheck import loading
from gradcheck.comparison.alignment import NotComparable
from gradcheck.comparison.checks import compare
from gradcheck.errors import UsageError
from gradcheck.model import Report, Role, Run, RunReport, Severity, Unread

Diagnose = Callable[[Run], RunReport]
NO_BASELINE = "cannot be compared with the baseline"


def load(paths: Sequence[str], overrides: Mapping[Role, str], diagnose: Diagnose) -> list[Run]:
    """The good runs behind the paths.

    Raises:
        UsageError: a path does not exist or holds no run, or one of the runs itself failed.
    """
    loaded = loading.collect(paths, overrides)
    broken = [one for one in loaded.unread if one.broken]
    if broken:
        raise UsageError(f"baseline {broken[0].path}: {broken[0].reason}")
    if not loaded.runs:
        reasons = "".join(f": {one.reason}" for one in loaded.unread[:1])
        raise UsageError(f"baseline {', '.join(paths)}: no run with a loss or gradient{reasons}")
    for run in loaded.runs:
        report = diagnose(run)
        if report.severity is Severity.FAILURE:
            what = next(e.kind.value for e in report.events if e.severity is Severity.FAILURE)
            raise UsageError(
                f"baseline {run.path}: failed itself ({what.replace('_', ' ')}); name a good run"
            )
    return list(loaded.runs)


def against(report: Report, good: Sequence[Run], tolerances: Mapping[str, float]) -> Report:
    """The report with each run compared; runs that cannot be are named as not judged.

    A run that is one of the good runs itself is not held against them.

    Raises:
        UsageError: not a single run could be compared.
    """
    places = {run.path.resolve() for run in good}
    runs, unread = [], []
    compared = False
    for one in report.runs:
        if one.run.path.resolve() in places:
            runs.append(replace(one, notes=(*one.notes, "a baseline run: held against nothing")))
            continue
        try:
            comparison = compare(one.run, good, tolerances)
        except NotComparable as error:
            runs.append(one)
            compared = compared or one.severity is Severity.FAILURE
            unread += list(_not_compared(one, error))
            if one.severity is Severity.FAILURE:
                runs[-1] = replace(one, notes=(*one.notes, f"{NO_BASELINE}: {error}"))
            continue
        compared = True
        runs.append(replace(one, comparison=comparison))
    if report.runs and not compared:
        raise UsageError(_nothing(report, unread))
    return replace(report, runs=tuple(runs), unread=(*report.unread, *unread))


def _not_compared(report: RunReport, error: NotComparable) -> Iterator[Unread]:
    """A gate that could not judge must not pass; a run that failed anyway has been judged."""
    if report.severity is not Severity.FAILURE:
        yield Unread(report.run.path, f"{NO_BASELINE}: {error}", broken=True)


def _nothing(report: Report, unread: Sequence[Unread]) -> str:
    if unread:
        return f"{unread[0].path}: {unread[0].reason}"
    path = report.runs[0].run.path
    return f"{path}: is the baseline itself; name another run to compare with it"
