"""Reports that are hard on a format: hostile names, a replay, unread files, many runs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from gradcheck.model import (
    Event,
    Evidence,
    Kind,
    Remedy,
    Replay,
    Report,
    RunReport,
    Severity,
    Trial,
    Tried,
    Unread,
    Where,
)
from tests.reports.conftest import healthy, nan_input, unclear

HOSTILE = (
    "a%0A::error::b,c:d\n::warning::e\r##[error]f <script>alert(1)</script> ]]>&amp; | `x` "
    "![i](http://evil) [l](javascript:x) @everyone #1 {0} \x00\x1b[2J\ud800\ufffe\u2028 "
    "www.evil.com"
)


def hostile() -> RunReport:
    """A run in which every text came from somebody who wishes harm."""
    report = nan_input()
    best = report.diagnoses[0]
    trial = Trial("prevented", 25, None, 0.31)
    best = dataclasses.replace(
        best,
        summary=HOSTILE,
        evidence=(Evidence(HOSTILE, HOSTILE, 1, 2), *best.evidence),
        remedies=(Remedy(HOSTILE, HOSTILE + "\n```\n````", HOSTILE, HOSTILE, trial),),
        where=Where("forward", HOSTILE, HOSTILE, HOSTILE, 7, (1, 2), 0),
    )
    run = dataclasses.replace(report.run, path=Path(f"runs/{HOSTILE}"), notes=(HOSTILE,))
    events = tuple(dataclasses.replace(e, series=HOSTILE, text=HOSTILE) for e in report.events)
    return dataclasses.replace(
        report, run=run, events=events, diagnoses=(best, *report.diagnoses[1:]), notes=(HOSTILE,)
    )


def replayed() -> RunReport:
    """A run whose failure was replayed with changes."""
    report = nan_input()
    replay = Replay(
        "fork",
        reproduced=True,
        bit_exact=True,
        snapshot_step=308,
        tried=(
            Tried("drop_sample", "Drop sample 137", "x = 1", Trial("prevented", 25, None, 0.31)),
            Tried("clip", "Clip at 1.0", None, Trial("delayed", 25, 320, None), healthy=False),
            Tried("half_rate", "Halve the rate", None, Trial("not_prevented", 25, 312, None)),
        ),
    )
    best = dataclasses.replace(
        report.diagnoses[0],
        where=Where("input", "encoder.layers.2", "aten::log", "train.py", 41, (137,), 0),
        remedies=(Remedy("Drop sample 137", "x = 1", trial=Trial("prevented", 25, None, 0.31)),),
    )
    run = dataclasses.replace(report.run, replay=replay)
    return dataclasses.replace(report, run=run, diagnoses=(best,))


def lined() -> RunReport:
    """A run in a file of lines, that passed a spike."""
    spike = Event(Kind.LOSS_SPIKE, Severity.SPIKE, "loss", 10, 11, True, 12, 9.0)
    report = unclear()
    return dataclasses.replace(
        report, run=dataclasses.replace(report.run, by_line=True), events=(spike,)
    )


def sweep(size: int) -> Report:
    """Many runs, some of them failing."""
    runs = [
        dataclasses.replace(
            nan_input() if at % 2 else unclear(),
            run=dataclasses.replace(nan_input().run, path=Path(f"sweep/{at:03d}")),
        )
        for at in range(size)
    ]
    return Report((*runs, *(healthy(f"sweep/fine{at}") for at in range(5))))


def hostile_report() -> Report:
    """The hostile run, and unread paths of the same kind."""
    unread = Unread(Path(HOSTILE), HOSTILE, broken=True)
    return Report((hostile(), lined()), (unread, dataclasses.replace(unread, broken=False)))
