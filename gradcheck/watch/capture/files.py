"""A capture on disk: `tensors.safetensors`, and `capture.json` that says what they are."""

# mypy: allow-untyped-calls
from __future__ import annotations

import io
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import gradcheck
from gradcheck.errors import UsageError
from gradcheck.watch.capture.nested import Damaged, Reader, Writer, without_left
from gradcheck.watch.replay.generators import portable
from gradcheck.watch.replay.recorded import Given
from gradcheck.watch.replay.state import State

DESCRIPTION, TENSORS = "capture.json", "tensors.safetensors"
FORMAT, VERSION = "gradcheck capture", 1
MOST_BYTES = 256 << 20
"""Of the description."""
BATCH, STEP, MADE = "batch", "step", "made"
"""Moments at which a state is taken and put in place: when a batch is asked for, when a step has
been taken, when an optimizer was made."""
MOMENTS = (BATCH, STEP, MADE)

BEFORE, AFTER = "before the forward pass", "after the forward pass"
"""Where the state of the random numbers was taken."""

_open = io.open  # before a replay diverts what is written


@dataclass(frozen=True)
class Kinds:
    """What the state belongs to, for another run to be held against."""

    optimizers: Sequence[str]
    schedulers: Sequence[str]


@dataclass(frozen=True)
class Capture:
    """Everything of one failing step."""

    moment: str
    state: State
    kinds: Kinds
    gradients: Mapping[str, Tensor]
    """Those that are kept from one step to the next, where a loop does that."""
    batches: Sequence[Given]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The step, the failure, the script, versions, the steps before it."""

    @property
    def step(self) -> int:
        """The number that the failing step had."""
        return int(self.facts["step"])


def versions() -> dict[str, str]:
    """Of all that a result may depend on."""
    return {
        "gradcheck": gradcheck.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def write(capture: Capture, folder: Path) -> None:
    """Write both files into a directory that is there.

    Raises:
        OSError: it cannot be written.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - only a capture needs it
    from safetensors.torch import save_file  # noqa: PLC0415

    writer = Writer()
    kept = capture.state
    described = {
        "format": FORMAT,
        "version": VERSION,
        **capture.facts,
        "versions": versions(),
        "moment": capture.moment,
        "tick": kept.tick,
        "steps": list(kept.steps),
        "state": {
            "tensors": writer.encode(dict(kept.tensors), "tensors"),
            "gradients": writer.encode(dict(capture.gradients), "gradients"),
            "optimizers": _named(writer, capture.kinds.optimizers, kept.optimizers, "optimizers"),
            "schedulers": _named(writer, capture.kinds.schedulers, kept.schedulers, "schedulers"),
            "scalers": [writer.encode(one, "scalers") for one in kept.scalers],
            "random": writer.encode(portable(kept.generators), "random"),
        },
        "batches": [_batch(writer, at, given) for at, given in enumerate(capture.batches)],
    }
    described["left_out"] = writer.left_out
    try:
        save_file(writer.tensors, str(folder / TENSORS))
    except SafetensorError as error:
        raise OSError(str(error)) from None
    with _open(folder / DESCRIPTION, "w", encoding="utf-8") as opened:
        lines = (f"{json.dumps(name)}: {_line(value)}" for name, value in described.items())
        opened.write("{\n" + ",\n".join(lines) + "\n}\n")


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False)


def _named(writer: Writer, names: Sequence[str], states: Sequence[Any], path: str) -> list[Any]:
    return [
        {"class": name, "state": writer.encode(held, f"{path}[{at}]")}
        for at, (name, held) in enumerate(zip(names, states, strict=True))
    ]


def _batch(writer: Writer, at: int, given: Given) -> dict[str, Any]:
    return {
        "tick": given.tick,
        "source": given.source,
        "indices": writer.encode(given.indices),
        "batch": writer.encode(given.batch, f"batches[{at}]"),
        "random": writer.encode(portable(given.generators), "random"),
    }


def read(folder: Path) -> Capture:
    """Read a capture; nothing in it is run.

    Raises:
        UsageError: there is none, or its files are damaged.
    """
    described = _description(folder / DESCRIPTION)
    reader = Reader(_tensors(folder / TENSORS))
    try:
        return _understood(described, reader)
    except Damaged as error:
        raise _refused(folder / DESCRIPTION, str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        told = f"{type(error).__name__}: {error}"[:120]
        raise _refused(folder / DESCRIPTION, f"a part is missing or damaged ({told})") from None
    except RecursionError:
        raise _refused(folder / DESCRIPTION, "it is nested too deeply") from None


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(f"{path}: {why}; make the capture again with watch --capture")


def _description(path: Path) -> dict[str, Any]:
    found = _json(path)
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise UsageError(f"{path}: is no description of a capture")
    if found.get("version") != VERSION:
        raise UsageError(
            f"{path}: has version {str(found.get('version'))[:20]} of the format, and this "
            f"gradcheck reads version {VERSION}"
        )
    return found


def _json(path: Path) -> Any:
    if path.parent.exists() and not path.parent.is_dir():
        raise UsageError(f"{path.parent}: is no directory; --from takes one that --capture made")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise _refused(path, f"it is larger than {MOST_BYTES >> 20} MiB")
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(
            f"{path}: there is no such file; --from takes a directory that --capture made"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except RecursionError:
        raise _refused(path, "it is nested too deeply") from None
    except ValueError as error:
        raise _refused(path, f"it is not JSON ({str(error)[:80]})") from None


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError  # noqa: PLC0415 - only a capture needs it
        from safetensors.torch import load_file  # noqa: PLC0415

        return dict(load_file(str(path)))
    except FileNotFoundError:
        raise _refused(path, "there is no such file") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (SafetensorError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise _refused(path, f"it is damaged ({str(error)[:80]})") from None


def _understood(told: Mapping[str, Any], reader: Reader) -> Capture:
    held = told["state"]
    if told["moment"] not in MOMENTS:
        raise Damaged(f"unknown moment {told['moment']!r}")
    state = State(
        _count(told["tick"]),
        tuple(_count(one) for one in told["steps"]),
        _table(reader.decode(held["tensors"]), Tensor),
        [_mapping(reader.decode(one["state"])) for one in held["optimizers"]],
        [None if one is None else _mapping(reader.decode(one)) for one in held["scalers"]],
        [_mapping(reader.decode(one["state"])) for one in held["schedulers"]],
        _generators(reader.decode(held["random"])),
    )
    kinds = Kinds(
        [str(one["class"]) for one in held["optimizers"]],
        [str(one["class"]) for one in held["schedulers"]],
    )
    gradients = _table(reader.decode(held["gradients"]), Tensor)
    batches = [
        Given(
            _count(one["tick"]),
            str(one["source"]),
            reader.decode(one["batch"]),
            _indices(reader.decode(one["indices"])),
            _generators(reader.decode(one["random"])),
        )
        for one in told["batches"]
    ]
    if told["moment"] == BATCH and not batches:
        raise Damaged("it holds no batch")
    facts = {
        "step": _count(told["step"]),
        "versions": _table(told["versions"], str),
        "random": str(told["random"]),
        "trail": [_row(one) for one in told["trail"]],
    }
    return Capture(told["moment"], state, kinds, gradients, batches, facts)


def _row(value: Any) -> tuple[int, float | None, float, float]:
    step, loss, norm, rate = value
    known = None if loss is None else float.fromhex(loss)
    return _count(step), known, float.fromhex(norm), float.fromhex(rate)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise Damaged(f"{str(value)[:40]!r} is no count")
    return value


def _mapping(value: Any) -> dict[Any, Any]:
    if not isinstance(value, dict):
        raise Damaged("a state is missing")
    found: dict[Any, Any] = without_left(value)
    return found


def _table(value: Any, kind: type) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(one, kind) for one in value.values()):
        raise Damaged("a table is damaged")
    return {str(name): one for name, one in value.items()}


def _indices(value: Any) -> list[int] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(type(one) is int for one in value):
        raise Damaged("the dataset indices are damaged")
    return value


def _generators(value: Any) -> dict[str, Any]:
    """States of random number generators, tried on generators that nobody uses."""
    import random  # noqa: PLC0415

    held = _mapping(value)
    try:
        torch.Generator().set_state(held["torch"])
        random.Random().setstate(held["python"])
        if "numpy" in held:
            np.random.RandomState().set_state(held["numpy"])
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise Damaged("a state of random numbers is damaged") from error
    return held
