"""What stdout and stderr are given, and what happens when they refuse it."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from gradcheck import terminal
from gradcheck.errors import UsageError
from gradcheck.model import Unread


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_gives_every_item_and_is_silent_without_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(terminal.progress([1, 2, 3], 3)) == [1, 2, 3]
    assert capsys.readouterr().err == ""


def test_progress_is_silent_on_quick_work(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(terminal.progress([1, 2, 3], 3)) == [1, 2, 3]
    assert screen.getvalue() == ""


def test_progress_shows_a_bar_on_long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    for _ in terminal.progress([1, 2], 2):
        time.sleep(0.15)
    assert "reading logs" in screen.getvalue()


def test_a_reader_that_has_gone_away_is_no_error() -> None:
    import subprocess

    code = (
        "import sys, time; from gradcheck import terminal; sys.stdin.read();"
        "terminal.write('x' * 100_000, None); sys.exit(3)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        process.stdout.close()
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 3


def test_hopeless_outputs_are_refused_early(tmp_path: Path) -> None:
    terminal.check_writable(None)
    terminal.check_writable(tmp_path / "report.json")
    for output in (tmp_path, tmp_path / "gone" / "report.json"):
        with pytest.raises(UsageError, match="cannot write"):
            terminal.check_writable(output)


def test_warnings_are_escaped_and_few_for_mere_non_logs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    unread = [Unread(Path(f"{i}.csv"), "not a log") for i in range(30)]
    terminal.warn_unread([*unread, Unread(Path("a\nb"), "no\x1b[2J", broken=True)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "gradcheck: a\\nb: no\\x1b[2J"
    assert lines[-1] == "gradcheck: 20 more files not judged"
    assert len(lines) == 12


@pytest.mark.parametrize(("columns", "width"), [("20", 40), ("90", 90), ("300", 120)])
def test_the_canvas_follows_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert terminal.canvas(None).width == width


def test_the_canvas_knows_what_the_output_can_encode(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, able in (("utf-8", True), ("ascii", False), ("cp1252", False)):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        assert terminal.canvas(None).unicode is able
        assert not terminal.canvas(None).colour
