"""Works out what the numbers of a template are: which are measured, and which count."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from gradcheck.model import Role
from gradcheck.readers import role_names, text_layouts, text_names
from gradcheck.readers.table_steps import is_step_name
from gradcheck.readers.text_kinds import INDEX
from gradcheck.readers.text_messages import speaks
from gradcheck.readers.text_numbers import (
    MARK,
    MARK_OF,
    PROGRESS,
    Template,
)
from gradcheck.readers.text_prefixes import Prefix, opens_with_pair, prefix_of

_MOST_IN_LIST = 8
_MOST_NUMBERS = 256
"""Numbers of a line that are looked at."""

# What may stand between a name and its number.
_LINK = re.compile(
    r"""(?:["'\]]*\s*(?:[:=]+>?|->)\s*["'\[({]*|\s+(?:is|was|of)\s+|\s+[#\["']?|\[|@)$"""
)
_LONGEST_LINK = 40
_LONGEST_BODY = 1000  # characters: what is further from a number does not name it
_UNIT = re.compile(
    r"^\s*(?:(?:ms|us|s|secs?|seconds?|min|minutes|hours?|[kmgt]i?b|it|tokens|samples)"
    r"(?:/(?:s|it|iter|step|batch|epoch|sec|sample))?"
    r"|/(?:s|it|iter|step|batch|epoch|sec|sample))(?=[\s,|)\]])",
    re.IGNORECASE,
)
# DeepSpeed and Megatron time the parts of a step: `time (ms) | optimizer_gradients: 30.2`.
_TIMING = re.compile(r"\btimes? \((?:ms|s)\)")
_RANK = re.compile(r"^(?:local[ _]?|global[ _]?)?rank$", re.IGNORECASE)
# What opens a line of a program and none of a log.
_PROGRAM = re.compile(
    r"^\s*(?:(?:return|def|class|raise|except|assert|elif|import)\b(?! *:)|self\.|[a-z_][\w.]*\()"
)
_DRAWN_BAR = "[====]"
PROGRESS_NAME = "iter"
"""What a bar or a bare `3/10` counts."""
WITHIN = frozenset({PROGRESS_NAME, "batch"})
"""Counters that start again in each loop."""


@dataclass(frozen=True)
class Field:
    """What one number of a template is."""

    run: int
    name: str
    counts: bool
    """Whether it counts steps or epochs rather than measures."""


@dataclass(frozen=True)
class Plan:
    """How the lines of a template are to be read."""

    fields: tuple[Field, ...]
    rank: int | None = None
    """The rank of the process that printed the line, where it is always the same ..."""
    rank_run: int | None = None
    """... and else the run of digits that tells it."""
    bar: bool = False
    """Whether the line draws a progress bar."""
    speaks: bool = False
    """Whether it may be a message."""
    split: str | None = None
    """The part of the data that the line names, such as "val"."""
    section: str | None = None
    """The part of the data that the line announces for those below it, as `Validating` does."""
    sums_up: bool = False
    """Whether the line sums up those above it, as ` * Acc@1 76.1` does."""

    @property
    def measures(self) -> bool:
        """Whether anything in the line is a measurement."""
        return any(not field.counts for field in self.fields)


def make_plan(line: Template) -> Plan:
    """Work out what the numbers of a template are."""
    if _PROGRAM.match(line.text):
        return Plan((), speaks=speaks(line.text))
    known = text_layouts.fields_of(line) if PROGRESS not in line.text else ()
    if known:
        return Plan(tuple(Field(*field) for field in known), speaks=speaks(line.text))
    runs = list(line.runs)
    bar = runs.pop(0) if PROGRESS in line.text else None
    prefix = prefix_of(line.text)
    taken = len(re.findall(f"[{MARK}{MARK_OF}]", line.text[: prefix.length]))
    maker = _PlanMaker(bar, prefix, runs[:taken])
    maker.take_all(line.text[prefix.length :], runs[taken:])
    section = text_names.section_of(line.text[prefix.length :]) if not line.runs[taken:] else None
    return dataclasses.replace(maker.finish(), speaks=speaks(line.text), section=section)


class _PlanMaker:
    def __init__(self, bar: int | None, prefix: Prefix, before: Sequence[int]) -> None:
        self._bar = [] if bar is None else [Field(bar, PROGRESS_NAME, True)]
        self._fields: list[Field] = []
        self._tag = prefix.rank
        self._rank = None if prefix.rank_mark is None else before[prefix.rank_mark]
        self._index = None if prefix.index_mark is None else before[prefix.index_mark]
        self._split: str | None = None  # the split that the line spoke of last, outside names
        self._named_split: str | None = None  # the same, names included
        self._opening_split: str | None = None  # that of the first name: `val Loss: 1 Acc: 2`
        self._own_splits: set[str] = set()
        self._list = ("", 0)
        self._opening: int | None = None  # what opens the line, before it speaks of a split
        self._loose = False  # whether nothing but a space parts the last name from its number
        self._pending = ""
        self._timing = False
        self._sums_up = False
        self._to_come = False  # whether a progress bar follows

    def take_all(self, message: str, runs: Sequence[int]) -> None:
        """Take the message of a line, a run of digits for each of its marks."""
        self._sums_up = message.lstrip(" |:-").startswith("* ")
        texts = re.split(f"([{MARK}{MARK_OF}])", message)
        first = 0
        if opens_with_pair(message):
            self._fields += [Field(runs[0], "epoch", True), Field(runs[1], PROGRESS_NAME, True)]
            first = 2
        pieces = zip(runs, texts[:-1:2], texts[1::2], strict=True)
        self._to_come = bool(self._bar)
        for place, (run, text, mark) in enumerate(itertools.islice(pieces, _MOST_NUMBERS)):
            self._to_come = self._to_come and PROGRESS not in text
            if place >= first:
                self._take(run, text, mark, first=place == 0)

    def finish(self) -> Plan:
        """The plan for lines of this template."""
        validating = self._split not in (None, *text_names.TRAIN)
        counted = {field.name for field in self._bar + self._fields if field.counts}
        if self._index is not None:
            self._fields.insert(0, Field(self._index, INDEX, True))
        fields = [
            field
            for field in self._bar + self._fields
            if field.run >= 0 and not (validating and self._counts_within(field))
        ]
        if self._opening_split and len(self._own_splits) == 1 and not counted & WITHIN:
            fields = [self._with_opening_split(field) for field in fields]
        return Plan(
            tuple(fields),
            self._tag,
            self._rank,
            bool(self._bar),
            split=self._split or self._opening_split,
            sums_up=self._sums_up and self._split is None,
        )

    def _counts_within(self, field: Field) -> bool:
        """Whether a counter starts again in each loop; not so in `Iter 200: Val loss 2.1`."""
        opens = field.run == self._opening and field.name == PROGRESS_NAME
        return field.counts and field.name in WITHIN and not opens

    def _with_opening_split(self, field: Field) -> Field:
        words = role_names.tokens(field.name)
        if field.counts or any(map(text_names.split_called, words)) or "lr" in words:
            return field
        return dataclasses.replace(field, name=f"{self._opening_split}/{field.name}")

    def _take(self, index: int, text: str, mark: str, *, first: bool) -> None:
        """Take a number and the text before it."""
        before, _, text = text.rpartition(PROGRESS)
        text = text[-_LONGEST_BODY:]
        link = _LINK.search(text, max(0, len(text) - _LONGEST_LINK))
        body = text[: link.start()] if link else text
        name, context = text_names.name_and_context(body if first else _UNIT.sub("", body))
        self._hear(before)
        self._hear(context if name else body)
        if first and mark == MARK and not self._split:
            self._opening = index
        pending, self._pending = self._pending, ""
        if mark == MARK_OF and text_names.split_called(name):
            self._hear(name)  # `Train: [3/300]`
            self._nameless(index, "", mark)
        elif link is not None and not name and pending and link[0].strip():
            self._named(index, pending, listed=False)
        elif link is None or not name or self._is_number_of(name, link[0]):
            self._hear(name)  # `Train net output #0: loss = 2.1`
            self._nameless(index, text, mark)
        elif _RANK.match(name):
            self._rank = index
        else:
            self._pending = text_names.name_before_count(context)
            self._named(index, name, listed="[" in link[0] or "(" in link[0])
            self._loose = not link[0].strip()

    def _is_number_of(self, name: str, link: str) -> bool:
        """Whether a number tells things apart, as in `output #0` and `DataLoader 0: 50%|#`."""
        apart = "#" in link or (self._to_come and not link.strip())
        return apart and not is_step_name(name)

    def _hear(self, text: str) -> None:
        self._timing = self._timing or bool(_TIMING.search(text))
        for word in text_names.SPLIT.findall(text):
            self._split = self._named_split = text_names.split_called(word)

    def _nameless(self, index: int, text: str, mark: str) -> None:
        if text.strip() == ":" and self._is_numbered_loss():
            loss = self._fields.pop()
            self._fields += [Field(loss.run, "step", True), Field(index, loss.name, False)]
            return
        name, length = self._list
        if name and 0 < length < _MOST_IN_LIST and text.strip() == ",":
            self._fields.append(Field(index, f"{name}/{length}", False))
            self._list = (name, length + 1)
            return
        self._list = ("", 0)
        if mark == MARK_OF:
            self._progress(index, text.replace(_DRAWN_BAR, "").strip())

    def _is_numbered_loss(self) -> bool:
        """Whether the step stands behind the name, as in `Validation loss 6312: 0.15`."""
        if len(self._fields) != 1 or self._fields[0].counts or not self._loose:
            return False
        role = role_names.meaning(self._fields[0].name).role
        return role in (Role.LOSS, Role.VALIDATION_LOSS)

    def _progress(self, index: int, text: str) -> None:
        """Take a number with its total that has no name."""
        counted = {field.name for field in self._fields if field.counts}
        last = self._fields[-1] if self._fields else None
        if last and last.name == PROGRESS_NAME and text == "][":
            self._fields[-1] = Field(last.run, "epoch", True)  # `[3/300][10/1251]`
        elif last and not counted and text == "[" and text_names.split_called(last.name) == "train":
            self._fields[-1] = Field(last.run, "epoch", True)  # `Train: 3 [10/1251 (1%)]`
            self._hear(last.name)
        else:
            opens = len(self._fields) == len(counted) and self._opens(text)
            if self._bar or PROGRESS_NAME in counted or not (text == "[" or opens):
                return
        self._fields.append(Field(index, PROGRESS_NAME, True))

    def _opens(self, text: str) -> bool:
        """Whether a text before the first measurement leaves no doubt that a `3/10` counts."""
        words = [word for word in role_names.tokens(text) if not text_names.split_called(word)]
        return not text.strip(" :[](|-") or (bool(words) and is_step_name(" ".join(words)))

    def _named(self, index: int, name: str, *, listed: bool) -> None:
        self._list = ("", 0)
        words = role_names.tokens(name)
        own = [split for word in words if (split := text_names.split_called(word))]
        rest = " ".join(word for word in words if not text_names.says_split(word))
        if not self._timing and (is_step_name(rest) or name == "#"):
            if rest not in {field.name for field in self._fields}:
                self._fields.append(Field(index, rest or "step", True))
            self._hear(" ".join(word for word in words if text_names.split_called(word)))
            return
        if len(words) > text_names.MOST_WORDS or len(name) > text_names.LONGEST_NAME:
            return
        if own:
            self._named_split = own[-1]
            opens = not any(not field.counts for field in self._fields) and not self._split
            if opens and len(words) > 1 and text_names.split_called(name.split()[0]):
                self._opening_split = own[-1]
            self._own_splits.update(own)
        prefix = "time" if self._timing else "" if own else self._split
        name = self._distinct(f"{prefix}/{name}" if prefix else name)
        self._fields.append(Field(index, name, False))
        if listed:
            self._list = (name, 1)

    def _distinct(self, name: str) -> str:
        taken = {field.name for field in self._fields}
        if name in taken and self._named_split:
            name = f"{self._named_split}/{name}"
        tries = (f"{name}.{n}" for n in range(1, len(taken) + 2))
        return name if name not in taken else next(one for one in tries if one not in taken)
