"""Keeps the README's command output true: `python -m tests.readme` rewrites it, --check compares.

A block begins with an HTML comment, `generated: COMMAND`, and reaches to the next one, `end`. The
blocks that begin with `evaluated: NAME` hold measurements and are left alone.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
WIDTH = 88
BLOCK = re.compile(r"^<!-- generated: (.+?) -->\n(?:.*\n)*?<!-- end -->$", re.MULTILINE)
EVALUATED = re.compile(r"^<!-- evaluated: .+? -->\n(?:.*\n)*?<!-- end -->$", re.MULTILINE)
MARKER = re.compile(r"^<!-- (?:(?:generated|evaluated): .*|end) -->$", re.MULTILINE)
# A shell runs the command as a user would type it; its name stands for this checkout.
_LAUNCH = "import sys; sys.argv[0] = 'gradcheck'; from gradcheck.cli import main; main()"
_SHELL = 'gradcheck() { "$PYTHON" -c "$LAUNCH" "$@"; }\n'
# What makes rich and typer draw for another terminal than the one described here.
_DISTURBING = frozenset({"FORCE_COLOR", "GITHUB_ACTIONS", "PY_COLORS", "TERMINAL_WIDTH"})


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the blocks, or name those that are not up to date."""
    parser = argparse.ArgumentParser(prog="python -m tests.readme", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args(arguments).check
    text = README.read_text(encoding="utf-8")
    fresh = refreshed(text)
    if not check:
        README.write_text(fresh, encoding="utf-8")
        return 0
    stale = stale_commands(text, fresh)
    for command in stale:
        print(f"README.md is not up to date, run `make readme`: {command}", file=sys.stderr)
    return 1 if stale else 0


def refreshed(text: str) -> str:
    """The text with every block as its command fills it today."""
    commands = BLOCK.findall(text)
    if len(MARKER.findall(text)) != 2 * (len(commands) + len(EVALUATED.findall(text))):
        raise ValueError("README.md: a generated block without its end, or an end without a block")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        blocks = iter(list(pool.map(block, commands)))
    return BLOCK.sub(lambda _: next(blocks), text)


def stale_commands(text: str, fresh: str) -> list[str]:
    """The commands of the blocks that differ."""
    pairs = zip(BLOCK.finditer(text), BLOCK.finditer(fresh), strict=True)
    return [old[1] for old, new in pairs if old[0] != new[0]]


def block(command: str) -> str:
    """A command and its output between the markers."""
    shown = f"```console\n$ {command}\n{output(command)}\n```"
    return f"<!-- generated: {command} -->\n{shown}\n<!-- end -->"


def output(command: str) -> str:
    """What a command of the README prints, in a terminal of fixed width without colour."""
    kept = {name: value for name, value in os.environ.items() if name not in _DISTURBING}
    fixed = {"COLUMNS": str(WIDTH), "NO_COLOR": "1", "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        ["sh", "-c", _SHELL + command],
        cwd=ROOT,
        env={**kept, **fixed, "PYTHON": sys.executable, "LAUNCH": _LAUNCH},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if ran.stderr or ran.returncode not in (0, 1):
        raise RuntimeError(f"`{command}` failed ({ran.returncode}): {ran.stderr}")
    return "\n".join(line.rstrip() for line in ran.stdout.strip("\n").splitlines()).strip("\n")


if __name__ == "__main__":
    raise SystemExit(main())
