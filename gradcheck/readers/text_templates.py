"""Reads a template once: which of its numbers are measured, under what names, and which count."""

from __future__ import annotations

import re
from collections import OrderedDict
from dataclasses import dataclass

from gradcheck.readers import role_names
from gradcheck.readers.table_steps import is_step_name
from gradcheck.readers.text_kinds import Counter
from gradcheck.readers.text_messages import speaks
from gradcheck.readers.text_numbers import (
    MARK,
    MARK_OF,
    PROGRESS,
    Split,
    Template,
    template,
    value,
)

_MOST_WORDS, _LONGEST_NAME = 6, 60
_MOST_IN_LIST = 8
_KEPT_PLANS = 4096

# What may stand between a name and its number.
_LINK = re.compile(r"""(?:["'\]]*\s*(?:[:=]+>?|->)\s*["'\[({]*|\s+(?:is|was|of)\s+|\s+\[?|\[|@)$""")
# What parts one measurement from the next; the name is what follows the last of these.
_CUT = re.compile(r"[|;{}]|,(?!\d)|\s[-–]+\s|\)\s|\]\s?|\.\s|:\s(?=\S)|[>*]|^\(|\s/\s")
_UNIT = re.compile(
    r"^\s*(?:(?:ms|us|s|secs?|seconds?|min|minutes|hours?|[kmgt]i?b|it|tokens|samples)"
    r"(?:/(?:s|it|iter|step|batch|epoch|sec|sample))?"
    r"|/(?:s|it|iter|step|batch|epoch|sec|sample))(?=[\s,|)\]])",
    re.IGNORECASE,
)
# The words of a sentence: a name begins after the last of them.
_PROSE = re.compile(
    r"^.*\b(?:from|to|at|than|in|on|for|after|the|this|took|by|with|and|improved|decreased"
    r"|increased|saved?|saving|done|a|an|has|have|will|be|not|are|over|last|until|every|used"
    r"|using|reached|did|didn|total of)\b",
    re.IGNORECASE,
)
# DeepSpeed and Megatron time the parts of a step: `time (ms) | optimizer_gradients: 30.2`.
_TIMING = re.compile(r"\btimes? \((?:ms|s)\)")
_RANK = re.compile(r"^(?:local[ _]?|global[ _]?)?rank$", re.IGNORECASE)
_RANK_TAG = re.compile(r"\brank_?(\d{1,6})\b", re.IGNORECASE)  # torchrun's `[rank3]: ` and the like
_LOOSE_DIGIT = re.compile(r"(?<![\w.])\d")
_SPLIT = re.compile(
    r"(?<![A-Za-z])(train_inner|train(?:ing)?|val(?:id(?:ation|ating)?)?|test(?:ing|set)?"
    r"|eval(?:uation|uating|uate)?|dev)(?![A-Za-z])",
    re.IGNORECASE,
)
# What a series is called after the word; any other word for validation becomes "val".
_SPLITS = {
    "train_inner": "train_inner", "train": "train", "training": "train", "test": "test",
    "testing": "test", "testset": "test", "dev": "dev", "eval": "eval", "evaluation": "eval",
    "evaluating": "eval", "evaluate": "eval",
}  # fmt: skip
_VALIDATION = frozenset({"val", "valid", "validation", "validating"})
_TRAIN = ("train", "train_inner")
PROGRESS_NAME = "iter"
"""What a bar or a bare `3/10` counts."""
_WITHIN = frozenset({PROGRESS_NAME, "batch"})
_CODE = re.compile(r"[=<>{}\\\"'`;$&]|\b(?:if|elif|while|return|def|assert|lambda|range|print)\b")


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

    @property
    def measures(self) -> bool:
        """Whether anything in the line is a measurement."""
        return any(not field.counts for field in self.fields)


@dataclass(frozen=True)
class Reading:
    """What a line says."""

    measured: tuple[tuple[str, float], ...]
    counted: tuple[Counter, ...]
    rank: int | None
    plan: Plan


class Templates:
    """Finds out how a line is to be read, and remembers it for the next of its template."""

    def __init__(self) -> None:
        self._plans: OrderedDict[str, Plan] = OrderedDict()

    def plan(self, line: Split) -> Plan:
        """How a line is to be read."""
        plan = self._plans.get(line.key)
        if plan is None:
            plan = make_plan(template(line))
            if not any(_LOOSE_DIGIT.search(field.name) for field in plan.fields):
                self._plans[line.key] = plan
            if len(self._plans) > _KEPT_PLANS:
                self._plans.popitem(last=False)
        return plan


def read(line: Split, plan: Plan) -> Reading:
    """What a line says: its measurements, what counts the steps, and the rank."""
    measured, counted = [], []
    for field in plan.fields:
        number, total = value(line.runs[field.run])
        if field.counts:
            counted.append(Counter(field.name, number, total))
        else:
            # `Accuracy: 9541/10000`
            measured.append((field.name, number / total if total else number))
    rank = plan.rank if plan.rank_run is None else _rank(line.runs[plan.rank_run])
    return Reading(tuple(measured), tuple(counted), rank, plan)


def _rank(run: str) -> int | None:
    number, _ = value(run)
    return int(number) if 0 <= number < 1e9 else None


def make_plan(line: Template) -> Plan:
    """Work out what the numbers of a template are."""
    texts = re.split(f"([{MARK}{MARK_OF}])", line.text)
    runs = list(line.runs)
    maker = _PlanMaker(bar=runs.pop(0) if PROGRESS in line.text else None)
    for run, text, mark in zip(runs, texts[:-1:2], texts[1::2], strict=True):
        maker.take(run, text, mark)
    return maker.finish(line.text)


class _PlanMaker:
    def __init__(self, bar: int | None) -> None:
        self._bar = [] if bar is None else [Field(bar, PROGRESS_NAME, True)]
        self._first = True
        self._fields: list[Field] = []
        self._rank: int | None = None
        self._split: str | None = None  # the split that the line spoke of last, outside names
        self._named_split: str | None = None  # the same, names included
        self._list = ("", 0)
        self._timing = False

    def take(self, index: int, text: str, mark: str) -> None:
        """Take a number and the text before it."""
        before, _, text = text.rpartition(PROGRESS)
        link = _LINK.search(text)
        body = text[: link.start()] if link else text
        if not self._first:
            body = _UNIT.sub("", body)
        self._first = False
        name, context = _name_and_context(body)
        self._hear(before)
        self._hear(context if name else body)
        if mark == MARK_OF and name.lower() in _SPLITS.keys() | _VALIDATION:
            self._hear(name)  # `Train: [3/300]`
            self._nameless(index, "", mark)
        elif link is None or not name:
            self._nameless(index, text, mark)
        elif _RANK.match(name):
            self._rank = index
        else:
            self._named(index, name, listed="[" in link[0] or "(" in link[0])

    def finish(self, text: str) -> Plan:
        """The plan for lines of this template."""
        validating = self._split not in (None, *_TRAIN)
        fields = [
            field
            for field in self._bar + self._fields
            if field.run >= 0 and not (validating and field.counts and field.name in _WITHIN)
        ]
        tag = _RANK_TAG.search(text)
        rank = int(tag[1]) if tag else None
        return Plan(tuple(fields), rank, self._rank, bool(self._bar), speaks(text))

    def _hear(self, text: str) -> None:
        self._timing = self._timing or bool(_TIMING.search(text))
        for word in _SPLIT.findall(text):
            self._split = self._named_split = _SPLITS.get(word.lower(), "val")

    def _nameless(self, index: int, text: str, mark: str) -> None:
        counted = [field.name for field in self._fields if field.counts]
        name, length = self._list
        if name and 0 < length < _MOST_IN_LIST and text.strip() == ",":
            self._fields.append(Field(index, f"{name}/{length}", False))
            self._list = (name, length + 1)
            return
        self._list = ("", 0)
        last = self._fields[-1] if self._fields else None
        if mark == MARK_OF and last and last.name == PROGRESS_NAME and text.strip() == "][":
            self._fields[-1] = Field(last.run, "epoch", True)  # `[3/300][10/1251]`
            self._fields.append(Field(index, PROGRESS_NAME, True))
            return
        opens = not any(not field.counts for field in self._fields) and PROGRESS_NAME not in counted
        if mark == MARK_OF and opens and set(counted) <= {"epoch"} and not text.strip(" :[]("):
            self._fields.append(Field(index, PROGRESS_NAME, True))

    def _named(self, index: int, name: str, *, listed: bool) -> None:
        self._list = ("", 0)
        words = role_names.tokens(name)
        own = [word for word in words if word in _SPLITS or word in _VALIDATION]
        rest = [word for word in words if word not in own]
        if is_step_name(" ".join(rest)) or name == "#":
            self._fields.append(Field(index, " ".join(rest) or "step", True))
            self._hear(" ".join(own))
            return
        if len(words) > _MOST_WORDS or len(name) > _LONGEST_NAME:
            return
        if own:
            self._named_split = _SPLITS.get(own[-1], "val")
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


def _name_and_context(body: str) -> tuple[str, str]:
    """The name at the end of a text, and what stands before it."""
    start = max((cut.end() for cut in _CUT.finditer(body)), default=0)
    name = body[start:]
    if "(" in name and ")" not in name:
        start += name.index("(") + 1
        name = body[start:]
    prose = _PROSE.match(name)
    if prose is not None:
        start += prose.end()
        name = body[start:]
    name = name.strip(" \t\"'`:=-_,.[]><+~!")
    return (name if _is_name(name) else ""), body[:start]


def _is_name(name: str) -> bool:
    return name == "#" or (
        any(character.isalpha() for character in name) and not _CODE.search(name)
    )
