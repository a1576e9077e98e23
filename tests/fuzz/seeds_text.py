"""Text logs: the shapes in which training loops and frameworks print."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.fuzz.seeds import Point, Seed, of_lines

_SAMPLES = Path(__file__).parents[2] / "sample_logs"
_ROWS = 40
Shape = Callable[[int, str, str], str]
"""A line of a step, a loss and a gradient norm; an empty loss is a line without points."""


def seeds() -> Iterator[Seed]:
    """A log of each shape, and the sample."""
    for number, (name, shape) in enumerate(_SHAPES):
        yield _seed(name, shape, Random(number))
    for file in sorted(_SAMPLES.glob("**/*.log")):
        yield of_lines(file.name, [(line, []) for line in file.read_text().splitlines()])


def _seed(name: str, shape: Shape, random: Random) -> Seed:
    lines: list[tuple[str, list[Point]]] = []
    for step in range(1, _ROWS + 1):
        loss = f"{random.uniform(0.1, 9):.6f}"
        norm = f"{random.uniform(0.1, 9):.6f}"
        text = shape(step, loss, norm)
        points = [Point(None, step, float(one)) for one in (loss, norm) if one in text]
        lines.append((text, points))
    return of_lines(name, lines, header=shape is _table)


def _keras(step: int, loss: str, norm: str) -> str:
    bar = "=" * 30
    return f"Epoch {step}/{_ROWS}\n10/10 [{bar}] - 2s 20ms/step - loss: {loss} - val_loss: {norm}"


def _table(step: int, loss: str, norm: str) -> str:
    head = "epoch     train_loss  valid_loss  time\n" if step == 1 else ""
    return f"{head}{step:<9} {loss:<11} {norm:<11} 00:12"


def _boxed(step: int, loss: str, norm: str) -> str:
    cells = {"time/": "", "   total_timesteps": step, "train/": "", "   loss": loss}
    rows = [
        f"| {name:<18} | {cell:<11} |" for name, cell in (*cells.items(), ("   grad_norm", norm))
    ]
    return "\n".join(["-" * 36, *rows, "-" * 36])


def _traced(step: int, loss: str, norm: str) -> str:
    warning = "WARNING: Loss is nan, stopping training\n" if step == 30 else ""
    return f"{warning}step {step} | loss {loss} | norm {norm} | lr 3.0e-04 | 12.3 ms"


_SHAPES: tuple[tuple[str, Shape], ...] = (
    ("a.log", lambda s, a, b: f"epoch 1 step {s} loss {a} grad_norm {b} lr 1.2e-4"),
    ("b.log", lambda s, a, b: f"2024-01-01 12:00:{s:02d},123 INFO train: iter: {s}, loss: {a}"
                              f", grad_norm: {b}"),
    ("c.txt", lambda s, a, b: f"[{s}/{_ROWS}] loss={a} grad_norm={b}"),
    ("d.out", lambda s, a, b: f"{{'loss': {a}, 'grad_norm': {b}, 'learning_rate': 5e-05,"
                              f" 'epoch': {s}}}"),
    ("e.log", _keras),
    ("f.log", lambda s, a, b: f" iteration {s}/ {_ROWS} | consumed samples: {16 * s} | lm loss:"
                              f" {a} | grad norm: {b} | number of skipped iterations: 0 |"),
    ("g.log", _table),
    ("h.log", _boxed),
    ("i.log", lambda s, a, b: f"step {s}: train loss {a}, val loss {b}"),
    ("j.log", lambda s, a, b: f"[rank0]: step: {s}  loss: {a}  grad_norm: {b}  memory: 12.5GiB"),
    ("k.log", _traced),
    ("l.log", lambda s, a, b: f"\x1b[32mepoch={s}\x1b[0m \x1b[1mtrain_loss={a}\x1b[0m"
                              f" val_loss={b}"),
)  # fmt: skip
