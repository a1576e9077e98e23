"""Lays the command line over the settings of the file, and lists what comes of it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradcheck.configuration import checking, files
from gradcheck.configuration.settings import Acceptance, Level, Settings
from gradcheck.errors import UsageError

DEFAULT, COMMAND_LINE = "default", "command line"


@dataclass(frozen=True)
class Setting:
    """One line of the settings in effect: a key, its value, and where that comes from."""

    key: str
    value: object
    """A text, a number, a list of texts, or None where nothing is set."""
    origin: str


def settings(
    named: Path | None = None,
    *,
    fail_on: str | None = None,
    roles: Mapping[str, str] | None = None,
    baselines: Sequence[str] = (),
) -> Settings:
    """The settings in effect: what the command line names wins over the file.

    Without a named file it is the nearest one, from the working directory upwards.

    Raises:
        UsageError: the file cannot be read, or holds what means nothing.
    """
    if named is not None and not named.is_file():
        kind = "is a directory" if named.is_dir() else "no such file"
        raise UsageError(f"{named}: {kind}; --config takes gradcheck.toml or pyproject.toml")
    file = named or _nearest()
    told = checking.check(files.table(file), file) if file else Settings()
    on_line = {"fail-on"} if fail_on else set()
    on_line |= set(roles or {}) | ({"baseline"} if baselines else set())
    return replace(
        told,
        fail_on=fail_on or told.fail_on,
        roles={**told.roles, **(roles or {})},
        baselines=tuple(baselines) or tuple(_beside(file, path) for path in told.baselines),
        on_command_line=frozenset(on_line),
    )


def listing(settings: Settings) -> Iterator[Setting]:
    """Every setting with its value and origin, in the order of the documentation."""

    def origin(key: str) -> str:
        if key in settings.on_command_line:
            return COMMAND_LINE
        return str(settings.file) if key in settings.in_file else DEFAULT

    yield Setting("fail-on", settings.fail_on, origin("fail-on"))
    for role in checking.ROLES:
        yield Setting(role, settings.roles.get(role), origin(role))
    yield Setting("baseline", list(settings.baselines) or None, origin("baseline"))
    for key in ("thresholds", "tolerances", "causes", "events", "regressions"):
        table: Mapping[str, object] = getattr(settings, key)
        for name, value in table.items():
            plain = value.value if isinstance(value, Level) else value
            yield Setting(f"{key}.{name}", plain, origin(key))
    for acceptance in settings.accepted:
        yield Setting("accept", described(acceptance), origin("accept"))


def described(acceptance: Acceptance) -> str:
    """An accepted finding in one line."""
    runs = "" if acceptance.runs == "*" else f" in {acceptance.runs}"
    until = f", until {acceptance.until}" if acceptance.until else ""
    return f"{acceptance.what} {acceptance.name}{runs}: {acceptance.reason}{until}"


def _nearest() -> Path | None:
    """The nearest file with settings, as a user would type it."""
    try:
        here = Path.cwd()
    except OSError:
        return None  # the working directory is gone
    found = files.find(here)
    return Path(os.path.relpath(found)) if found else None


def _beside(file: Path | None, path: str) -> str:
    """A path of the file, which is relative to the file's own folder."""
    if file is None or "://" in path or Path(path).is_absolute():
        return path
    return str(file.parent / Path(path).expanduser())
