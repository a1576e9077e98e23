"""Runs that are still being written: what is told meanwhile, and when looking ends."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gradcheck import diagnosis
from gradcheck.following import SILENT, Clock, follow
from gradcheck.gate import FailOn
from gradcheck.model import FloatArray, Report
from tests.synthetic import decay, run_of

MOST_LOOKS = 200


class Growing:
    """A log that grows by some rows from look to look, in a time of its own."""

    def __init__(self, loss: FloatArray, first: int, more: int = 20) -> None:
        self.loss, self.rows, self.more = loss, first, more
        self.looks, self.seconds = 0, 0.0
        self.told: list[str] = []
        self.clock = Clock(lambda: self.seconds, self._wait)

    def look(self) -> Report:
        self.looks += 1
        assert self.looks < MOST_LOOKS, "it never ends"
        rows, self.rows = self.rows, min(self.rows + self.more, len(self.loss))
        return Report((diagnosis.diagnose(run_of({"loss": self.loss[:rows]})),))

    def follow(self, fail_on: FailOn = FailOn.FAILURE) -> Report:
        return follow(self.look, fail_on, self.told.append, self.clock)

    def _wait(self, seconds: float) -> None:
        self.seconds += seconds


def interrupt_after(log: Growing, looks: int) -> Callable[[], Report]:
    def look() -> Report:
        if log.looks == looks:
            raise KeyboardInterrupt
        return log.look()

    return look


def broken(at: int, rows: int = 400) -> FloatArray:
    loss = decay(rows)
    loss[at:] = np.nan
    return loss


def test_ends_when_a_run_has_failed_and_new_rows_agree() -> None:
    log = Growing(broken(200), 100)
    report = log.follow()
    assert report.runs[0].events[0].step == 200
    assert 201 < log.rows < 300
    assert len(log.told) == 2
    assert "healthy" in log.told[0]
    assert "step 200" in log.told[1]


def test_a_last_row_that_the_next_ones_take_back_does_not_end_it() -> None:
    loss = decay(400)
    loss[199:201] = np.nan
    log = Growing(loss, 100, 100)
    report = follow(interrupt_after(log, 20), FailOn.FAILURE, log.told.append, log.clock)
    assert len(report.runs[0].run.series[0]) == 400


def test_a_run_that_failed_and_wrote_no_more_is_over_after_a_while() -> None:
    log = Growing(broken(200)[:202], 202)
    assert log.follow().runs[0].events
    assert SILENT <= log.seconds < 2 * SILENT


def test_never_failing_goes_on_until_the_user_ends_it() -> None:
    log = Growing(broken(200), 300)
    report = follow(interrupt_after(log, 9), FailOn.NEVER, log.told.append, log.clock)
    assert log.looks == 9
    assert report.runs[0].events
    assert len(log.told) == 1


def test_a_slow_look_is_not_repeated_at_once() -> None:
    log = Growing(broken(200), 100, 10)

    def slow() -> Report:
        log.seconds += 30
        return log.look()

    follow(slow, FailOn.FAILURE, log.told.append, log.clock)
    assert log.seconds > log.looks * 30 * 4


@pytest.fixture(name="written")
def _written(tmp_path: Path) -> Iterator[Path]:
    """A script that writes rows for some seconds, then NaN."""
    script = (
        "import sys, time\n"
        "out = open(sys.argv[1], 'w')\n"
        "print('step,train_loss', file=out, flush=True)\n"
        "for step in range(10000):\n"
        "    loss = 2 - step / 1000 if step < 60 else float('nan')\n"
        "    print(f'{step},{loss}', file=out, flush=True)\n"
        "    time.sleep(0.03)\n"
    )
    file = tmp_path / "run" / "metrics.csv"
    file.parent.mkdir()
    writer = subprocess.Popen([sys.executable, "-c", script, str(file)])
    while not file.exists():
        time.sleep(0.05)
    yield tmp_path / "run"
    writer.kill()
    writer.wait()


def test_the_command_ends_with_a_report_and_exit_code_1(written: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "gradcheck", "analyze", "--follow", str(written)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert "NaN loss from step 60 on" in ran.stdout
    assert "NaN loss from step 60 on" in ran.stderr.splitlines()[-1]
