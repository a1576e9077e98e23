"""Turns the plain values of a settings file into settings, and refuses what means nothing."""

from __future__ import annotations

import datetime
import difflib
import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from gradcheck.configuration import names
from gradcheck.configuration.settings import Acceptance, Level, Settings
from gradcheck.errors import UsageError
from gradcheck.gate import FailOn

ROLES = ("loss", "grad-norm", "learning-rate")
_ACCEPT_KEYS = ("cause", "event", "regression", "run", "reason", "until")


def check(table: Mapping[str, Any], file: Path) -> Settings:
    """The settings of a file's table.

    Raises:
        UsageError: a key is unknown, or a value is not one that its key takes.
    """
    return _Table(file).settings(table)


class _Table:
    """Checks values in the words of one file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def settings(self, table: Mapping[str, Any]) -> Settings:
        readers: dict[str, Callable[[str, Any], Any]] = {
            "fail-on": lambda key, value: self.choice(key, value, [f.value for f in FailOn]),
            **dict.fromkeys(ROLES, self.text),
            "baseline": self.texts,
            "thresholds": self.thresholds,
            "tolerances": self.tolerances,
            "causes": lambda key, value: self.levels(key, value, names.causes()),
            "events": lambda key, value: self.levels(key, value, names.events()),
            "regressions": lambda key, value: self.levels(key, value, names.checks()),
            "accept": self.acceptances,
        }
        self.known(table, readers, "")
        read = {key: readers[key](key, value) for key, value in table.items()}
        return Settings(
            fail_on=read.get("fail-on", Settings.fail_on),
            roles={role: read[role] for role in ROLES if role in read},
            baselines=read.get("baseline", ()),
            thresholds=read.get("thresholds", {}),
            tolerances=read.get("tolerances", {}),
            causes=read.get("causes", {}),
            events=read.get("events", {}),
            regressions=read.get("regressions", {}),
            accepted=read.get("accept", ()),
            file=self.file,
            in_file=frozenset(table),
        )

    def wrong(self, key: str, why: str) -> UsageError:
        return UsageError(f"{self.file}: {key}: {why}")

    def known(self, table: Mapping[str, Any], allowed: Collection[str], inside: str) -> None:
        for key in table:
            if key not in allowed:
                where = f" in {inside}" if inside else ""
                raise UsageError(f"{self.file}: no key {key!r}{where}: {self.hint(key, allowed)}")

    def hint(self, name: str, allowed: Collection[str]) -> str:
        """The nearest right name, else where the right ones are."""
        if name == "tool" and self.file.name != "pyproject.toml":
            return "[tool.gradcheck] belongs in pyproject.toml; write its keys here without it"
        spelled = {other.replace("_", "-"): other for other in sorted(allowed)}
        asked = name.lower().replace("_", "-")
        near = difflib.get_close_matches(asked, spelled, n=1, cutoff=0.6)
        if near:
            return f"did you mean {spelled[near[0]]}?"
        if set(allowed) == set(names.causes()):
            return "gradcheck explain lists the causes"
        return f"there are {', '.join(allowed)}"

    def text(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, f"takes a text that is not empty, not {_shown(value)}")
        return value

    def texts(self, key: str, value: Any) -> tuple[str, ...]:
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values:
            raise self.wrong(key, f"takes a path or a list of paths, not {_shown(value)}")
        return tuple(self.text(key, one) for one in values)

    def choice(self, key: str, value: Any, allowed: Collection[str]) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise self.wrong(key, f"takes one of {', '.join(allowed)}, not {_shown(value)}")
        return value

    def table(self, key: str, value: Any, allowed: Collection[str]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise self.wrong(key, f"is a table, not {_shown(value)}")
        self.known(value, allowed, key)
        return value

    def levels(self, key: str, value: Any, allowed: Collection[str]) -> dict[str, Level]:
        levels = [level.value for level in Level]
        return {
            name: Level(self.choice(f"{key}.{name}", level, levels))
            for name, level in self.table(key, value, allowed).items()
        }

    def number(self, key: str, value: Any) -> float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or not math.isfinite(value):
            raise self.wrong(key, f"takes a number, not {_shown(value)}")
        return float(value)

    def thresholds(self, key: str, value: Any) -> dict[str, float]:
        least = names.least_ratios()
        found = {}
        for name, given in self.table(key, value, least).items():
            found[name] = self.number(f"{key}.{name}", given)
            if found[name] < least[name]:
                why = f"takes {least[name]:g} or more, not {given}: less is not told from noise"
                raise self.wrong(f"{key}.{name}", why)
        return found

    def tolerances(self, key: str, value: Any) -> dict[str, float]:
        found = {}
        for name, given in self.table(key, value, names.checks()).items():
            found[name] = self.number(f"{key}.{name}", given)
            if found[name] < 0:
                raise self.wrong(f"{key}.{name}", f"takes a share of 0 or more, not {given}")
        return found

    def acceptances(self, key: str, value: Any) -> tuple[Acceptance, ...]:
        if not isinstance(value, list):
            raise self.wrong(
                key, "is a list of tables: write [[accept]], or [[tool.gradcheck.accept]]"
            )
        return tuple(
            self.acceptance(f"{key} number {at}", one) for at, one in enumerate(value, start=1)
        )

    def acceptance(self, key: str, value: Any) -> Acceptance:
        table = self.table(key, value, _ACCEPT_KEYS)
        named = [what for what in ("cause", "event", "regression") if what in table]
        if len(named) != 1:
            raise self.wrong(key, "names one of cause, event and regression")
        what = named[0]
        lists = {"cause": names.causes, "event": names.events, "regression": names.checks}
        name, allowed = self.text(f"{key}, {what}", table[what]), lists[what]()
        if name not in allowed:
            raise self.wrong(key, f"no {what} {name!r}: {self.hint(name, allowed)}")
        if not isinstance(table.get("reason"), str) or not table["reason"].strip():
            raise self.wrong(key, f"give a reason why {name} is accepted")
        return Acceptance(
            what=what,
            name=name,
            reason=" ".join(table["reason"].split()),
            runs=self.text(f"{key}, run", table.get("run", "*")),
            until=self.day(f"{key}, until", table.get("until")),
        )

    def day(self, key: str, value: Any) -> datetime.date | None:
        if isinstance(value, str):
            try:
                value = datetime.date.fromisoformat(value)
            except ValueError:
                value = [value]
        if isinstance(value, datetime.datetime):
            value = value.date()
        if value is not None and not isinstance(value, datetime.date):
            shown = value[0] if isinstance(value, list) and value else value
            raise self.wrong(key, f"takes a day such as 2026-12-31, not {_shown(shown)}")
        return value


def _shown(value: Any) -> str:
    """A wrong value in a sentence, short."""
    text = (
        repr(value)
        if isinstance(value, str | int | float)
        else f"a {_TOML.get(type(value), 'date')}"
    )
    return text if len(text) <= 60 else f"{text[:57]}..."


_TOML: dict[type, str] = {dict: "table", list: "list", type(None): "nothing"}
