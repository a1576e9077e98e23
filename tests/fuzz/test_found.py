"""What the fuzzer has found: one damaged place must not cost the rest of the log."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from gradcheck import loading
from gradcheck.model import Run

ROWS = range(1, 31)
TABLE = ["step,loss", *(f"{n},{n / 8}" for n in ROWS)]
LINES = [json.dumps({"step": n, "loss": n / 8}) for n in ROWS]


def run_of(file: Path, lines: list[str]) -> Run:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (run,) = loading.collect([file]).runs
    return run


def points(run: Run) -> dict[int, float]:
    (loss,) = (one for one in run.series if one.name == "loss")
    return dict(zip(loss.step.tolist(), loss.value.tolist(), strict=True))


def all_but(*steps: int) -> dict[int, float]:
    return {n: n / 8 for n in ROWS if n not in steps}


@pytest.mark.parametrize("odd", ["1.5", "1e300", "99999999999999999999.5"])
def test_a_damaged_step_of_a_table(odd: str, tmp_path: Path) -> None:
    lines = [*TABLE]
    lines[7] = f"{odd},9"
    found = points(run_of(tmp_path / "a.csv", lines))
    assert found.items() >= all_but(6, 7).items()


def test_a_cell_too_long_to_be_one(tmp_path: Path) -> None:
    lines = [*TABLE]
    lines[7] = "7," + "x" * 200_000
    assert points(run_of(tmp_path / "a.csv", lines)) == all_but(7)


@pytest.mark.parametrize("text", ['{"step": 1, "lo\n', "\f" + LINES[0], "[" + LINES[0]])
def test_a_damaged_first_record(text: str, tmp_path: Path) -> None:
    run = run_of(tmp_path / "log.json", [text, *LINES[1:]])
    assert points(run).items() >= all_but(1).items()


@pytest.mark.parametrize("form", ["[{n}/30] loss={loss}", "step {n} loss {loss}"])
@pytest.mark.parametrize("odd", ["99999999999999999999", "1.5"])
def test_a_damaged_count_of_a_text(form: str, odd: str, tmp_path: Path) -> None:
    lines = [form.format(n=odd if n == 7 else n, loss=n / 8) for n in ROWS]
    assert points(run_of(tmp_path / "a.log", lines)).items() >= all_but(6, 7).items()


def test_a_byte_order_mark_before_a_text(tmp_path: Path) -> None:
    lines = [f"[{n}/30] loss={n / 8}" for n in ROWS]
    assert points(run_of(tmp_path / "a.log", ["\ufeff" + lines[0], *lines[1:]])) == all_but()


def test_zeros_behind_a_text(tmp_path: Path) -> None:
    lines = [f"step {n} loss {n / 8}" for n in ROWS]
    assert points(run_of(tmp_path / "a.log", [*lines, "\0" * 3000])) == all_but()


@pytest.mark.parametrize("long", ["1" * 20_000, "(" * 20_000, "x=1 " * 5000])
def test_a_long_line_of_text_takes_no_quadratic_time(long: str, tmp_path: Path) -> None:
    lines = [f"step {n} | loss {n / 8} | {long if n % 10 == 0 else ''}" for n in ROWS]
    start = time.process_time()
    points(run_of(tmp_path / "a.log", lines))
    assert time.process_time() - start < 4.0
