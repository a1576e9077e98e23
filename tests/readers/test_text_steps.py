"""The step of every point: counters, epochs laid end to end, restarts, validation in between."""

from __future__ import annotations

import math

import pytest

from tests.readers.text_logs import points, run_of
from tests.synthetic import clues_of, diagnosed


def _steps(text: str, name: str) -> list[int]:
    return [step for _, step, _ in points(run_of(text), name)]


def test_totals_lay_epochs_end_to_end() -> None:
    lines = [f"epoch {e} [{i}/100] loss 1.{i}" for e in (1, 2, 3) for i in (10, 20, 90)]
    assert _steps("\n".join(lines), "loss") == [10, 20, 90, 110, 120, 190, 210, 220, 290]


def test_without_totals_the_longest_epoch_counts() -> None:
    lines = [f"epoch {e} iter {i} loss 1.{i}" for e in (0, 1) for i in (0, 10, 20)]
    assert _steps("\n".join(lines), "loss") == [0, 10, 20, 21, 31, 41]


def test_a_counter_that_goes_through_is_better_than_one_within_the_epoch() -> None:
    lines = [
        f"epoch {e} batch {i} global_step {3 * e + i} loss 1.{i}" for e in (0, 1) for i in (0, 1, 2)
    ]
    run = run_of("\n".join(lines))
    assert _steps("\n".join(lines), "loss") == [0, 1, 2, 3, 4, 5]
    assert not run.notes


def test_samples_are_counted_only_where_nothing_else_is() -> None:
    lines = [
        f"epoch {e} iter {i}/3 samples {32 * (3 * e + i)} loss 1.{i}"
        for e in (0, 1)
        for i in (1, 2, 3)
    ]
    assert _steps("\n".join(lines), "loss") == [1, 2, 3, 4, 5, 6]


def test_a_restart_goes_back() -> None:
    steps = [0, 10, 20, 30, 20, 30, 40]
    text = "\n".join(f"step {i} loss 1.{n}" for n, i in enumerate(steps))
    assert _steps(text, "loss") == steps


def test_a_validation_line_takes_the_step_reached() -> None:
    lines = []
    for i in range(1, 9):
        lines.append(f"step {i} loss {3 - i / 8}")
        if i % 4 == 0:
            lines += ["validating ...", f"val_loss: {2 + i / 8}"]
    assert points(run_of("\n".join(lines)), "val_loss") == [(6, 4, 2.5), (12, 8, 3.0)]


def test_a_validation_line_with_an_epoch_sums_up() -> None:
    lines = []
    for e in (1, 2, 3):
        lines += [f"epoch {e} step {i}/2 loss 1.{i}" for i in (1, 2)]
        lines.append(f"epoch {e} loss 1.5 val_loss 1.{e}")
    run = run_of("\n".join(lines))
    assert points(run, "loss") == [
        (1, 1, 1.1), (2, 2, 1.2), (4, 3, 1.1), (5, 4, 1.2), (7, 5, 1.1), (8, 6, 1.2)
    ]  # fmt: skip
    assert points(run, "loss (epoch)") == [(3, 2, 1.5), (6, 4, 1.5), (9, 6, 1.5)]
    assert points(run, "val_loss") == [(3, 2, 1.1), (6, 4, 1.2), (9, 6, 1.3)]


def test_a_heading_counts_for_the_lines_below() -> None:
    lines = [line for i in range(3) for line in (f"Step {i}:", f"  loss = 1.{i}", "  lr = 0.1")]
    run = run_of("\n".join(lines))
    assert points(run, "loss") == [(2, 0, 1.0), (5, 1, 1.1), (8, 2, 1.2)]
    assert points(run, "lr") == [(3, 0, 0.1), (6, 1, 0.1), (9, 2, 0.1)]


def test_a_heading_is_forgotten_when_lines_count_themselves() -> None:
    lines = ["step 1", *(f"step {i} loss 1.{i}" for i in range(2, 6)), "final val_loss: 1.5"]
    assert points(run_of("\n".join(lines)), "final val_loss") == [(6, 5, 1.5)]


def test_values_above_a_closing_step_line() -> None:
    lines = [line for i in range(4) for line in (f"grad_norm: 2.{i}", f"step {i} loss 1.{i}")]
    run = run_of("\n".join(lines))
    assert points(run, "loss") == [(2, 0, 1.0), (4, 1, 1.1), (6, 2, 1.2), (8, 3, 1.3)]


def test_another_counter_of_the_same_steps_is_believed() -> None:
    lines = [
        line
        for i in range(10, 60, 10)
        for line in (f"step={i}, skipped=0, lr=[0.1]", f"steps: {i} loss: 1.{i}")
    ]
    text = "\n".join(lines)
    assert _steps(text, "skipped") == _steps(text, "loss") == [10, 20, 30, 40, 50]


def test_lines_are_counted_where_the_epoch_is_fractional() -> None:
    text = "\n".join(f"{{'loss': 1.{i}, 'epoch': {i / 3:.2f}}}" for i in range(1, 7))
    run = run_of(text + "\n{'train_loss': 1.3, 'epoch': 2.0}")
    assert [step for _, step, _ in points(run, "loss")] == [0, 1, 2, 3, 4, 5]
    assert points(run, "train_loss") == [(7, 5, 1.3)]
    assert run.unit == "step"
    assert "fractional" in run.notes[0]


def test_ranks_that_count_nothing_are_counted_apart() -> None:
    rows = [0, 1, 1, 0, 0, 1, 1, 0]
    run = run_of("\n".join(f"[rank{rank}]: loss 1.{n}" for n, rank in enumerate(rows)))
    assert points(run, "loss") == [(1, 0, 1.0), (4, 1, 1.3), (5, 2, 1.4), (8, 3, 1.7)]
    assert points(run, "rank 1/loss") == [(2, 0, 1.1), (3, 1, 1.2), (6, 2, 1.5), (7, 3, 1.6)]


def test_a_bar_redrawn_at_one_place_tells_a_point_once() -> None:
    bar = "50%|#####     | {n}/4 [00:01<00:01, 2.00it/s, loss={loss}]"
    states = [(1, 2.5), (2, 2.25), (2, 2.0), (3, 1.75), (4, 1.5)]
    text = "".join("\r" + bar.format(n=n, loss=loss) for n, loss in states)
    assert points(run_of(text), "loss") == [(2, 1, 2.5), (4, 2, 2.0), (5, 3, 1.75), (6, 4, 1.5)]


def test_a_bar_that_fills_one_line_tells_when_it_broke() -> None:
    bar = "train: 50%|#####     | {n}/90 [00:01<00:01, 2.00it/s, loss={loss:.4f}]"
    losses = [*(1 + 0.3 / (i + 1) for i in range(60)), *[math.nan] * 30]
    text = "\r".join(bar.format(n=n, loss=loss) for n, loss in enumerate(losses, start=1))
    run = run_of(text)
    assert [line for line, _, _ in points(run, "train/loss")] == list(range(1, 91))
    report = diagnosed(run)
    assert report.first_bad_step == 61
    assert "sudden_nonfinite" in clues_of(run)


def test_one_bar_starts_where_another_ended() -> None:
    bar = "\rEpoch {e}: 50%|#####     | {n}/2 [00:01<00:01, 2.00it/s, loss={loss}]"
    states = [(0, 1, 2.5), (0, 2, 2.0), (1, 0, 2.0), (1, 1, 1.5), (1, 2, 1.0)]
    text = "".join(bar.format(e=e, n=n, loss=loss) for e, n, loss in states)
    assert points(run_of(text), "loss") == [(2, 1, 2.5), (3, 2, 2.0), (5, 3, 1.5), (6, 4, 1.0)]


def test_a_program_on_top_of_a_log_leaves_no_trace() -> None:
    program = ["for step in range(9):", "    loss = 0.0", "    total_loss = 3", "x = {'loss': 0.5}"]
    lines = [*program, *(f"step {i} loss 1.{i}" for i in range(4))]
    run = run_of("\n".join(lines))
    assert points(run, "loss") == [(5 + i, i, 1 + i / 10) for i in range(4)]
    assert len(run.series) == 1


@pytest.mark.parametrize("at", [0, 1, 2, 20, 38, 39])
def test_one_damaged_count_moves_no_step_wherever_it_stands(at: int) -> None:
    counts = ["10/10"] * 40
    counts[at] = "00/10"
    log = "".join(
        f"Epoch {n}/40\n{count} [==============================] - loss: {n}.5\n"
        for n, count in enumerate(counts, start=1)
    )
    loss = next(one for one in run_of(log.encode()).series if one.name == "loss")
    assert loss.step.tolist() == list(range(1, 41))


def twice(values: list[float]) -> list[str]:
    return [
        line
        for n, value in enumerate(values)
        for line in (f"A: step {n} loss {value}", f"B | step {n} loss {value}")
    ]


def test_a_point_that_two_loggers_wrote_is_taken_once() -> None:
    lines = twice([3.0, 2.5, 2.0, 1.75, 1.5])
    expected = [(1, 0, 3.0), (3, 1, 2.5), (5, 2, 2.0), (7, 3, 1.75), (9, 4, 1.5)]
    assert points(run_of("\n".join(lines)), "loss") == expected
    # The log may begin and end in the middle of a pair.
    cut = points(run_of("\n".join(lines[1:-1])), "loss")
    assert [(step, value) for _, step, value in cut] == [point[1:] for point in expected]


def test_a_point_that_one_logger_wrote_twice_is_taken_once() -> None:
    lines = [f"step {n} loss {3 - n / 4}" for n in range(6) for _ in range(2)]
    assert [step for _, step, _ in points(run_of("\n".join(lines)), "loss")] == list(range(6))


@pytest.mark.parametrize(
    "lines",
    [
        [f"epoch {n} loss nan" for n in range(4) for _ in range(2)],
        [f"epoch {n} loss {n + b / 2}" for n in range(4) for b in range(2)],
        [f"epoch {n} loss {n}" for n in range(4) for b in range(3)],
        ["epoch 3 loss 0.5"] * 8,
        ["step 1 loss 0.5", "step 1 loss 0.5", "step 2 loss 0.25", "step 2 loss 0.25"],
    ],
)
def test_what_is_the_same_twice_may_be_two_points(lines: list[str]) -> None:
    assert len(points(run_of("\n".join(lines)), "loss")) == len(lines)


def keras(first: int, *losses: float) -> str:
    ends = [f"50/50 [=====] - 3s - loss: {x} - val_loss: {x + 0.5}" for x in losses]
    headings = [f"Epoch {first + n}/90" for n in range(len(losses))]
    return "\n".join(line for pair in zip(headings, ends, strict=True) for line in pair)


def test_a_log_that_begins_at_the_end_of_an_epoch_keeps_it() -> None:
    text = keras(33, 2.5, 2.25, 2.0, 1.75).partition("\n")[2]
    assert _steps(text, "loss") == _steps(text, "val_loss") == [33, 34, 35, 36]


def test_what_comes_before_the_first_epoch_is_no_part_of_it() -> None:
    text = "50/50 [=====] - 3s - loss: 9.5 - val_loss: 9.0\n" + keras(1, 2.5, 2.25, 2.0, 1.75)
    assert _steps(text, "loss") == [1, 2, 3, 4]


@pytest.mark.parametrize("word", ["training", "traing", "trainning", "traning"])
def test_a_misspelt_training_counts(word: str) -> None:
    lines = [f"{word} iter: {n}, loss : {3 - n / 40}" for n in range(20, 28)]
    run = run_of("\n".join(lines))
    assert [step for _, step, _ in points(run, run.series[0].name)] == list(range(20, 28))


def test_another_word_before_a_counter_tells_what_it_is() -> None:
    lines = [f"step {n} loss {3 - n / 40} warm iter: {n * 7}" for n in range(8)]
    assert _steps("\n".join(lines), "warm iter") == list(range(8))
