"""Measure reading, judging and starting up: python -m tests.bench [--only a,d] [--rounds N].

The exit code is 0 however long things took, and 1 if a reader crashed or did not find all points.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.bench import suite, tables
from tests.bench.claims import claims
from tests.bench.measuring import Result, interleaved

_WIDTH = 110
_PACKAGES = (
    "numpy",
    "pandas",
    "tensorboard",
    "tensorboard-data-server",
    "tbparse",
    "runmedic",
    "trainproof",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show, and say by the exit code whether all readers agree."""
    asked = _parser().parse_args(arguments)
    options = suite.Options(asked.scale, asked.rounds, asked.data.resolve())
    out, log = Console(width=max(_WIDTH, Console().width)), Console(stderr=True, markup=False)
    out.print(f"{_machine()}\n\n{tables.METHOD}\n")
    measured: dict[tuple[str, str], Result] = {}
    record: list[dict[str, Any]] = []
    for group in suite.groups(asked.only, options):
        results = interleaved(group.jobs, partial(log.print, f"{group.name},"))
        out.print(tables.of_group(group, results))
        record.append(tables.as_json(group, results))
        measured |= {(group.name, result.job.name): result for result in results}
    found = list(claims(measured))
    out.print(tables.of_claims(found, asked.scale))
    if asked.json:
        as_json = [tables.claim_as_json(claim) for claim in found]
        whole = {"machine": _machine(), "scale": asked.scale, "groups": record, "claims": as_json}
        asked.json.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    wrong = [" on ".join(key[::-1]) for key, result in measured.items() if not result.agrees]
    for name in wrong:
        log.print(f"not the points that were written: {name}")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", type=_names, default=list(suite.GROUPS), metavar="NAMES",
        help=f"some of {','.join(suite.GROUPS)}",
    )  # fmt: skip
    parser.add_argument("--rounds", type=_rounds, default=5, help="of all but the slow readers")
    parser.add_argument("--scale", type=_scale, default=1.0, help="shrinks the sets, down to 0.001")
    data = Path(tempfile.gettempdir()) / "gradcheck-bench"
    parser.add_argument("--data", type=Path, default=data, help=f"where the sets lie ({data})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures here too")
    return parser


def _rounds(text: str) -> int:
    return max(1, int(text))


def _scale(text: str) -> float:
    scale = float(text)
    if not 0.001 <= scale <= 1:
        raise argparse.ArgumentTypeError("from 0.001 to 1")
    return scale


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = sorted(set(names) - set(suite.GROUPS))
    if unknown:
        raise argparse.ArgumentTypeError(f"no such group: {', '.join(unknown)}")
    return names


def _machine() -> str:
    """The machine and the versions of what is measured on it."""
    installed = {one.metadata["Name"]: one.version for one in metadata.distributions()}
    found = [f"{name} {installed[name]}" for name in _PACKAGES if name in installed]
    machine = f"{platform.platform()}, {os.cpu_count()} CPUs, Python {platform.python_version()}"
    return ", ".join((machine, *found))


if __name__ == "__main__":
    sys.exit(main())
