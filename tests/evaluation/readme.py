"""Writes what was measured into the README, between its markers."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
PICTURE = README.parent / ".github" / "reliability.png"


def put(name: str, text: str, readme: Path = README) -> None:
    """Replace what stands between `<!-- evaluated: NAME -->` and the next `<!-- end -->`.

    Raises:
        SystemExit: the README has no such markers.
    """
    before = readme.read_text("utf-8")
    pattern = rf"(<!-- evaluated: {re.escape(name)} -->\n).*?(<!-- end -->)"
    after, found = re.subn(
        pattern, lambda m: f"{m[1]}{text.strip()}\n{m[2]}", before, count=1, flags=re.DOTALL
    )
    if not found:
        raise SystemExit(f"README.md has no marker <!-- evaluated: {name} -->")
    readme.write_text(after, "utf-8")
