"""Reads the settings that a framework or author left as a file beside the log of a run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

NAMES = (
    "hparams.yaml",
    "config.yaml",
    "config.json",
    "args.yaml",
    "args.json",
    "params.json",
    "hparams.json",
    "hyp.yaml",
    "opt.yaml",
    "train_config.json",
    "training_args.json",
    "ds_config.json",
    "deepspeed_config.json",
    ".hydra/config.yaml",
)
"""Lightning, Hydra, Ultralytics and YOLOv5, DeepSpeed, RLlib, and what people write by hand."""
_MOST_BYTES = 64 * 1024
_MOST_SETTINGS = 1000
_DEEPEST = 6


def settings_beside(log: Path) -> dict[str, object]:
    """The settings beside a log file or in the directory of a run, nested names joined by dots.

    A file that is too large, damaged, or no mapping is passed over: settings are a help, no log.
    """
    directory = log if log.is_dir() else log.parent
    found: dict[str, object] = {}
    for name in NAMES:
        for setting, value in _flat(_read(directory / name)):
            if len(found) >= _MOST_SETTINGS:
                return found
            found.setdefault(setting, value)
    return found


def _read(file: Path) -> object:
    try:
        if not file.is_file() or file.stat().st_size > _MOST_BYTES:
            return None
        text = file.read_text("utf-8")
    except (OSError, ValueError):
        return None
    return _json(text) if file.suffix == ".json" else _yaml(text)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _yaml(text: str) -> object:
    import yaml  # noqa: PLC0415 - few logs have such a file beside them

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def _flat(value: object, prefix: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """Scalars by their dotted names; lists and what is nested too deep are left out."""
    if not isinstance(value, Mapping) or depth > _DEEPEST:
        return
    for key, inner in list(value.items())[:_MOST_SETTINGS]:
        name = f"{prefix}{key}"
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{name}.", depth + 1)
        elif isinstance(inner, bool | int | float | str):
            yield name, inner
