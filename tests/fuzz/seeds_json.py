"""JSON lines and documents, flat and nested, as trackers and trainers write them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.fuzz.seeds import Point, Seed, of_lines


def seeds() -> Iterator[Seed]:
    """Files of lines, whose points are known, and documents, which one wrong byte may end."""
    for name in ("metrics.jsonl", "log.json", "train_log.ndjson"):
        for shape in (_flat, _nested, _mixed):
            yield _lines(name, shape, Random(f"{name}{shape.__name__}"))
    random = Random("documents")
    rows = [_flat(step, random)[0] for step in range(20)]
    losses = [random.random() for _ in range(30)]
    yield _document("trainer_state.json", {"log_history": rows, "global_step": 20, "epoch": 1.0})
    yield _document("history.json", {"loss": losses, "val_loss": losses[::-1]})
    yield _document("losses.json", losses)
    yield _document("metrics.json", rows)
    yield _document("loss.json", [[1.7e9 + n, n, loss] for n, loss in enumerate(losses)])
    golden = {"start_step": 1, "step_interval": 5, "values": losses}
    yield _document("golden_values.json", {"lm loss": golden})
    yield _document("frame.json", {"loss": {str(n): loss for n, loss in enumerate(losses)}})


def _document(name: str, document: object) -> Seed:
    return Seed(name, json.dumps(document).encode())


def _lines(name: str, shape: Any, random: Random) -> Seed:
    lines = []
    for n in range(random.randint(15, 60)):
        record, values = shape(10 * n, random)
        points = [Point(key, 10 * n, value) for key, value in values.items()]
        lines.append((json.dumps(record, ensure_ascii=n % 2 == 0), points))
    return of_lines(name, lines)


def _flat(step: int, random: Random) -> tuple[dict[str, Any], dict[str, float]]:
    values = {"loss": _value(random), "grad_norm": _value(random), "größe": _value(random)}
    return {"step": step, **values}, values


def _nested(step: int, random: Random) -> tuple[dict[str, Any], dict[str, float]]:
    values = {name: _value(random) for name in ("train/loss", "train/opt/lr", "val/loss")}
    train = {"loss": values["train/loss"], "opt": {"lr": values["train/opt/lr"]}}
    note = "x" * random.randint(0, 9)
    return {"step": step, "train": train, "val": {"loss": values["val/loss"]}, "note": note}, values


def _mixed(step: int, random: Random) -> tuple[dict[str, Any], dict[str, float]]:
    values = {"loss": _value(random)}
    if step % 30 == 0:
        values["eval/loss"] = _value(random)
    return {"step": step, **values, "gone": None, "tags": ["a", "b"]}, values


def _value(random: Random) -> float:
    if random.random() < 0.04:
        return random.choice((math.nan, math.inf, -math.inf))
    return random.uniform(0.1, 9.0)
