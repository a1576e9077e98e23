"""Finds the file with a project's settings, and parses it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from gradcheck.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OWN, SHARED = "gradcheck.toml", "pyproject.toml"


def find(start: Path) -> Path | None:
    """The nearest file with settings, from a directory upwards to the root of its repository.

    In one directory `gradcheck.toml` wins over `pyproject.toml`, which counts only where it has a
    `[tool.gradcheck]`.

    Raises:
        UsageError: a file on the way cannot be read or parsed.
    """
    for directory in (start, *start.parents):
        if _exists(directory / OWN):
            return directory / OWN
        shared = directory / SHARED
        if _exists(shared) and "gradcheck" in _tools(parse(shared)):
            return shared
        if _exists(directory / ".git"):
            break  # what lies above a repository is another project's, or a stranger's
    return None


def table(file: Path) -> dict[str, Any]:
    """The settings that a file holds.

    Raises:
        UsageError: it cannot be read or parsed, or sets nothing.
    """
    parsed = parse(file)
    if file.name != SHARED:
        if not parsed:
            raise UsageError(f"{file}: sets nothing; write a key such as fail-on, or remove it")
        return parsed
    if "gradcheck" not in _tools(parsed):
        raise UsageError(f"{file}: has no [tool.gradcheck]")
    found = _tools(parsed)["gradcheck"]
    if not isinstance(found, dict) or not found:
        raise UsageError(f"{file}: [tool.gradcheck] sets nothing; write a key such as fail-on")
    return found


def parse(file: Path) -> dict[str, Any]:
    """The file as plain values.

    Raises:
        UsageError: it cannot be read, or is not TOML.
    """
    try:
        # strangers' editors leave a byte-order mark, which TOML does not know
        return tomllib.loads(file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file}: is not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: is not TOML: byte {error.start} is not UTF-8") from None
    except RecursionError:
        raise UsageError(f"{file}: is not TOML that can be read: it is nested too deep") from None
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror or error}") from None


def _exists(file: Path) -> bool:
    try:
        return file.exists()
    except OSError:
        return False  # a folder above that may not be looked into


def _tools(parsed: dict[str, Any]) -> dict[str, Any]:
    tools = parsed.get("tool", {})
    return tools if isinstance(tools, dict) else {}
