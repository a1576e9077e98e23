"""Any bytes whatever: no crash, no wrong point, no line or log that takes too long."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck.errors import NotALog
from gradcheck.readers import text_lines
from gradcheck.readers.text_rows import rows_of
from tests.readers.text_logs import points, run_of

NOISE = [
    "",
    "Traceback (most recent call last):",
    '  File "x.py", line 3, in f',
    "ValueError: bad",
    "Epoch 3/10",
    "Validating",
    "***** Running training *****",
    "| rollout/      |      |",
    "|    ep_rew_mean | 22  |",
    "epoch  train_loss  valid_loss",
    "0      0.9         0.8",
    "\x1b[32mdone\x1b[0m",
    " 50%|#####     | 1/2 [00:01<00:01, 2.00it/s]",
    "\r 10/20 [=====>....] - ETA: 1s - loss: 0.5\r",
    "{'eval_loss': 0.5, 'epoch': 0.5}",
    "Gradient overflow.  Skipping step, loss scaler 0 reducing loss scale to 32768.0",
    "[rank1]: step 3 loss 0.1",
    "3: step 3 loss 0.1",
    "loss: nan",
    "损失：0.3",
    "(min, max) time across ranks (ms):",
    "    lr: 0.1",
    "step_time = 3.0s, 1,234 tokens/s, 99%",
]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        run_of(data)
    except NotALog:
        return


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.text(
            alphabet=st.sampled_from("0123456789.,:=|/()[]{}%-+e \t\r\x08\x1b#lossnaiepchtv'\"━_@"),
            max_size=120,
        ),
        max_size=12,
    )
)
def test_lines_of_awkward_signs_are_read_or_refused(lines: list[str]) -> None:
    try:
        run = run_of("\n".join(lines))
    except NotALog:
        return
    for series in run.series:
        assert len(series.order) == len(series.step) == len(series.value) > 0
        assert (series.order >= 1).all()
        assert (series.order <= len(lines)).all()
        assert (series.order[1:] >= series.order[:-1]).all()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.sampled_from(NOISE)), min_size=4, max_size=40))
def test_every_line_of_the_training_gives_its_point(lines: list[str | None]) -> None:
    if sum(line is None for line in lines) < 3:
        return
    text: list[str] = []
    expected: list[tuple[int, int, float]] = []
    number = 0
    for line in lines:
        number += 1
        if line is None:
            step = 10 * len(expected)
            expected.append((number, step, 3 + step / 64))
            text.append(f"[train] global step {step} | main loss {3 + step / 64} | acc 0.5")
        else:
            text.append(line)
            number += line.removesuffix("\r").count("\r")  # what was redrawn counts as well
    found = points(run_of("\n".join(text)), "train/main loss")
    assert [(line, value) for line, _, value in found] == [(line, v) for line, _, v in expected]


AWKWARD = [
    "a", "0", "1.", "1,", "1,000", "-", "- ", "_ ", "=", ": ", "[", "(", "|", "| ", "/", "1/2 ",
    "\\", "a/", "/a", "a.", "a.a:", "a:", "\t", " ", "nan", "nan ", "nan iter ", "1e", "+", "1:",
    "10:10 ", "2024-", "2024-01-01 ", "━", "━ ", "%|", "1%|#", "[=", "[=>", "tensor(", "tensor(1",
    "{'a': ", "'a': 1, ", '"', "'", "rank1", "INFO ", "INFO:a", "[1,1]", "[1] ", "train ", "val/",
    "Epoch ", "at ", "to from ", "Error", "Traceback ", "loss scale ", "found nan ", "no nan ",
    "nccl", "watchdog", "损", "：", "x-", "http://", "GET /", "a=b/", "a(", " a", "a  ", "Jan 1 ",
    "#", "1.#IND", "1m1s", "\x1b[", "\x1b]", "\x1b", "@", "* ", "1 / ", "\r", "\x08",
]  # fmt: skip


@pytest.mark.parametrize("unit", AWKWARD)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("loss: 1 ", " 1")])
def test_no_line_takes_long(unit: str, before: str, after: str) -> None:
    line = before + (unit * 20_000)[: 19_900 - len(before) - len(after)] + after
    start = time.process_time()
    rows_of(text_lines.lines([line.encode() + b"\n"]))
    assert time.process_time() - start < 0.5  # quadratic time would be tens of seconds


def test_a_hundred_thousand_different_lines_take_seconds() -> None:
    words = [
        f"{chr(97 + i % 26)}{chr(97 + i // 26 % 26)}{chr(97 + i // 676 % 26)}" for i in range(9999)
    ]
    lines = [
        f"{words[i % 9973]} {words[i * 7 % 9967]}{words[i // 9973]}: {i} {words[i % 89]} = 2.5"
        for i in range(100_000)
    ]
    start = time.process_time()
    kinds, _ = rows_of(text_lines.lines(["\n".join(lines).encode()]))
    assert time.process_time() - start < 12  # a plan for each of them would take half a minute
    assert len(kinds) < 10_000


def test_a_line_that_never_ends_is_cut() -> None:
    blocks = [b"step 1 loss 1\n", *[b"x" * (1 << 20)] * 8, b"\nstep 2 loss 2\nstep 3 loss 3"]
    numbers = [line.number for line in text_lines.lines(blocks) if line.text.startswith("step")]
    assert numbers == [1, 3, 4]
