"""Writes a presentation as the files that its framework would leave."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

from tests.faults.presentation import Logged, Presentation
from tests.faults.record import Record

BEGAN = 1_700_000_000.0


def write(record: Record, shown: Presentation, series: Sequence[Logged], folder: Path) -> None:
    """Write the log of one run into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[shown.style](record, shown, series, folder)


def rows_of(series: Sequence[Logged]) -> list[tuple[int, dict[str, float]]]:
    """Step and cells of each logged row, in the order of writing."""
    rows: dict[int, tuple[int, dict[str, float]]] = {}
    for one in series:
        cells = zip(one.row.tolist(), one.step.tolist(), one.value.tolist(), strict=True)
        for row, step, value in cells:
            rows.setdefault(row, (step, {}))[1][one.name] = value
    return [rows[row] for row in sorted(rows)]


def _tensorboard(
    record: Record, shown: Presentation, series: Sequence[Logged], folder: Path
) -> None:
    with (folder / "events.out.tfevents.1700000000.host.1.0").open("wb") as file:
        writer = RecordWriter(file)
        writer.write(Event(wall_time=BEGAN, file_version="brain.Event:2").SerializeToString())
        for at, (step, row) in enumerate(rows_of(series)):
            for name, value in row.items():
                summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
                event = Event(wall_time=BEGAN + 0.1 * at, step=step, summary=summary)
                writer.write(event.SerializeToString())


def _csv(record: Record, shown: Presentation, series: Sequence[Logged], folder: Path) -> None:
    names = [one.name for one in series]
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([("step", "iteration", "global_step")[shown.template % 3], *names])
        for step, row in rows_of(series):
            writer.writerow([step, *(_cell(row.get(name)) for name in names)])
    if shown.template % 2:
        (folder / "config.json").write_text(json.dumps(record.settings, indent=1))


def _lightning(record: Record, shown: Presentation, series: Sequence[Logged], folder: Path) -> None:
    folder = folder / "lightning_logs" / "version_0"
    folder.mkdir(parents=True, exist_ok=True)
    names = sorted({one.name for one in series} - {"epoch"})
    epochs: dict[int, float] = {}
    for one in series:
        if one.name == "epoch":
            epochs = dict(zip(one.step.tolist(), one.value.tolist(), strict=True))
    with (folder / "metrics.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "step", *names])
        for step, row in rows_of(series):
            epoch = int(epochs[step]) if step in epochs else ""
            validation = {n: v for n, v in row.items() if n.startswith("val")}
            training = {n: v for n, v in row.items() if n not in validation and n != "epoch"}
            for cells in (training, validation):
                if cells:
                    writer.writerow([epoch, step, *(_cell(cells.get(name)) for name in names)])
    lines = [f"{name}: {value}\n" for name, value in record.settings.items()]
    (folder / "hparams.yaml").write_text("".join(lines))


def _huggingface(
    record: Record, shown: Presentation, series: Sequence[Logged], folder: Path
) -> None:
    history: list[dict[str, float]] = []
    validation = shown.names["validation"]
    for step, row in rows_of(series):
        evaluated = {k: v for k, v in row.items() if k in (validation, "epoch")}
        trained = {k: v for k, v in row.items() if k != validation}
        if set(trained) - {"epoch"}:
            history.append({**trained, "step": step})
        if validation in evaluated:
            history.append({**evaluated, "step": step})
    last = int(record.step[-1])
    state = {"best_metric": None, "epoch": 1.0, "global_step": last, "is_hyper_param_search": False,
             "log_history": history, "logging_steps": shown.cadence, "max_steps": last}  # fmt: skip
    target = folder / f"checkpoint-{last}"
    target.mkdir(exist_ok=True)
    (target / "trainer_state.json").write_text(json.dumps(state, indent=1))


def _jsonl(record: Record, shown: Presentation, series: Sequence[Logged], folder: Path) -> None:
    key = ("step", "iter", "_step")[shown.template % 3]
    with (folder / ("metrics.jsonl", "log.jsonl")[shown.template % 2]).open("w") as file:
        for step, row in rows_of(series):
            file.write(json.dumps({key: step, **row}) + "\n")


def _console(record: Record, shown: Presentation, series: Sequence[Logged], folder: Path) -> None:
    template = CONSOLE[shown.template % len(CONSOLE)]
    validation = shown.names["validation"]
    lines = ["Training started", f"device: cpu, batch size {record.settings.get('batch_size')}"]
    for step, row in rows_of(series):
        trained = {k: v for k, v in row.items() if k != validation}
        if trained:
            lines.append(template(step, trained))
        if validation in row:
            lines.append(f"step {step} {validation} {_short(row[validation])}")
    if record.error is not None:
        place = '  File "train.py", line 88, in <module>\n    main()'
        lines += ["Traceback (most recent call last):", place, record.error]
    (folder / "train.log").write_text("\n".join(lines) + "\n")


def _pipes(step: int, row: dict[str, float]) -> str:
    return " | ".join([f"step {step:6d}", *(f"{k} {_short(v)}" for k, v in row.items())])


def _commas(step: int, row: dict[str, float]) -> str:
    return f"iter {step}: " + ", ".join(f"{k} {_short(v)}" for k, v in row.items())


def _logging(step: int, row: dict[str, float]) -> str:
    second = f"{step // 60 % 60:02d}:{step % 60:02d}"
    pairs = " ".join(f"{k}={_short(v)}" for k, v in row.items())
    return f"2024-03-01 12:{second},125 INFO trainer: step={step} {pairs}"


def _dict(step: int, row: dict[str, float]) -> str:
    return str({"step": step, **{k: float(_short(v)) for k, v in row.items()}})


CONSOLE: Sequence[Callable[[int, dict[str, float]], str]] = (_pipes, _commas, _logging, _dict)


def _short(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return f"{value:.5g}" if 1e-3 <= abs(value) < 1e5 or value == 0 else f"{value:.3e}"


def _cell(value: float | None) -> object:
    return "" if value is None else value


WRITERS = {
    "tensorboard": _tensorboard,
    "csv": _csv,
    "lightning": _lightning,
    "huggingface": _huggingface,
    "jsonl": _jsonl,
    "console": _console,
}
