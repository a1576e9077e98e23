"""Decides the exit code of a report: what fails a build."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.model import Report

CLEAN, FINDINGS, UNREADABLE, NOTHING_TO_JUDGE = range(4)


class FailOn(str, enum.Enum):
    """The mildest severity that fails a build."""

    FAILURE = "failure"
    SPIKE = "spike"
    WARNING = "warning"
    NEVER = "never"


def exit_code(report: Report, fail_on: FailOn) -> int:
    """Findings win over unreadable paths, and those over having read nothing."""
    if _has_findings(report, fail_on):
        return FINDINGS
    if any(unread.broken for unread in report.unread):
        return UNREADABLE
    return CLEAN if report.runs else NOTHING_TO_JUDGE


def _has_findings(report: Report, fail_on: FailOn) -> bool:
    if fail_on is FailOn.NEVER:
        return False
    from gradcheck.model import Severity  # noqa: PLC0415 - `--help` must not pay for numpy

    return bool(report.at_least(Severity(fail_on.value)))
