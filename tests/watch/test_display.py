"""The live line: one, drawn over itself on a terminal, and nothing anywhere else."""

from __future__ import annotations

import io
import math
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.watch.display import Display, sparkline
from gradcheck.watch.followed import Step
from tests.watch.running import Zygote, clean_environment, write

SCRIPT = """
import time
import torch
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
for _ in range(12):
    optimizer.zero_grad()
    model(torch.randn(8, 4)).pow(2).mean().backward()
    optimizer.step()
    time.sleep(0.06)
print("done")
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Cost:
    cost = 0.012


def step(number: int, loss: float | None = 0.5, optimizer: int = 0) -> Step:
    return Step(optimizer, number, loss, 1.25, (), 1e-3)


def on_terminal(monkeypatch: pytest.MonkeyPatch, columns: int = 100) -> Terminal:
    made = Terminal()
    monkeypatch.setattr(sys, "stderr", made)
    monkeypatch.setenv("COLUMNS", str(columns))
    return made


def test_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    display = Display(Cost())
    display.step(step(7))
    shown = terminal.getvalue()
    assert shown.startswith("\r\x1b[2K")
    assert "step 7  loss 0.5  grad 1.25  lr 0.001  watching 1.2%" in shown
    assert "\n" not in shown
    display.step(step(8))  # too soon
    display.step(step(9, optimizer=1))
    assert terminal.getvalue() == shown
    display.close()
    assert terminal.getvalue() == shown + "\r\x1b[2K"
    display.step(step(10))
    display.clear()
    assert terminal.getvalue() == shown + "\r\x1b[2K"


@pytest.mark.parametrize("columns", [2, 20, 40])
def test_a_narrow_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    terminal = on_terminal(monkeypatch, columns)
    Display(Cost()).step(step(7))
    assert 0 < len(terminal.getvalue().removeprefix("\r\x1b[2K")) < columns


def test_numbers_that_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = on_terminal(monkeypatch)
    display = Display(Cost())
    display.step(step(7, None))
    assert "loss" not in terminal.getvalue()
    display.close()
    other = Display(Cost())
    other.step(Step(0, 1, math.nan, math.inf, (), 0.0))
    assert "loss nan" in terminal.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO(), None], ids=["file", "none"])
def test_nothing_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    display = Display(Cost())
    display.step(step(7))
    display.clear()
    display.close()
    assert stream is None or stream.getvalue() == ""


def test_nothing_in_a_log(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, SCRIPT)
    assert "\r" not in ran.err
    assert "\x1b" not in ran.err
    assert ran.err.count("\n") == 1


def test_a_real_terminal(tmp_path: Path) -> None:
    write(tmp_path, SCRIPT)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "gradcheck", "watch", "train.py"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=subprocess.DEVNULL,
        cwd=tmp_path,
        env=clean_environment(),
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 1 << 12)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        shown += piece
    out, _ = process.communicate(timeout=30)
    os.close(ours)
    text = shown.decode("utf-8")
    assert process.returncode == 0, text
    assert out == b"done\n"
    drawn = text.split("\r\x1b[2K")
    assert sum(part.startswith("step ") for part in drawn) >= 2
    assert "\n" not in "".join(drawn[:-1])
    assert drawn[-1].startswith("healthy") or "healthy" in drawn[-1]


# ---- the plot


def test_a_plot() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert sparkline([3.0, 3.0]) == "▁▁"
    assert sparkline([1.0, math.nan, 2.0, math.inf]) == "▁×█×"
    assert sparkline([math.nan]) == "×"
    assert sparkline([]) == ""
    assert sparkline([1.7e308, -1.7e308]) == "█▁"


@given(st.lists(st.floats(), max_size=30))
def test_a_plot_of_anything(values: list[float]) -> None:
    shown = sparkline(values)
    assert len(shown) == len(values)
    assert set(shown) <= set("▁▂▃▄▅▆▇█×")
