"""Finds the name of a number in the text before it."""

from __future__ import annotations

import difflib
import functools
import re

from gradcheck.model import Role
from gradcheck.readers import role_names
from gradcheck.readers.table_steps import is_step_name

MOST_WORDS = 6
LONGEST_NAME = 60
_UNIT = 2
_CLOSE = 0.85
"""How alike a word is to one that is meant, as `traning` is."""
# `[loss] 0.5`; but `[train] 3` tells no name.
_IN_BRACKETS = re.compile(r"(?<!\w)\[([A-Za-z][\w ./-]{0,40})\]\s*$")

# What parts one measurement from the next; the name is what follows the last of these.
_CUT = re.compile(
    r"[|;{}]|,(?!\d)|\s[-–]+\s|\)\s|\]\s?|\.\s|:\s(?=\S)|[>*]|^\(|\s/\s|(?<!\w)\[|\s[\"'](?=\w)"
)
# The words of a sentence: a name begins after the last of them.
_PROSE = re.compile(
    r"^.*\b(?:from|to|at|than|in|on|for|after|the|this|took|by|with|and|improved|decreased"
    r"|increased|saved?|saving|done|a|an|has|have|will|be|not|are|over|last|until|every|used"
    r"|using|reached|did|didn|total of)\b",
    re.IGNORECASE,
)
# `Cost after iteration 100: 0.6`: what is measured is named before what counts.
_BEFORE_COUNT = re.compile(r"(?:^|[|;,.:\]]\s)([^|;,.:\]]{1,40}?)\s+(?:after|at|for|in|on|of)\s*$")
_ARTICLE = re.compile(r"^(?:the|current|mean of)\s+", re.IGNORECASE)
_CODE = re.compile(
    r"[=<>{}\\\"`;$&]|(?<!\w)'|'(?![a-z])"
    r"|\b(?:if|elif|while|return|def|assert|lambda|range|print)\b"
)
_DECORATION = re.compile(r"^[^\w(#]+|[^\w)%\]]+$")

SPLIT = re.compile(
    r"(?<![A-Za-z])(?<![A-Za-z]\.)(train_inner|train(?:ing)?|val(?:id(?:ation|ating)?)?"
    r"|test(?:ing|set)?|eval(?:uation|uating|uate)?|dev)(?![A-Za-z]|\.[A-Za-z])",
    re.IGNORECASE,
)
"""A word that says which part of the data a line speaks of."""
# What a series is called after the word; any other word for validation becomes "val".
_SPLITS = {
    "train_inner": "train_inner", "train": "train", "training": "train", "test": "test",
    "testing": "test", "testset": "test", "dev": "dev", "eval": "eval", "evaluation": "eval",
    "evaluating": "eval", "evaluate": "eval",
    "val": "val", "valid": "val", "validation": "val", "validating": "val",
}  # fmt: skip
TRAIN = ("train", "train_inner")
# A line of its own that says what the lines below it speak of.
_SECTION = re.compile(
    r"^[\W_]*(?:(?:start(?:ing)?|running|begin(?:ning)?)\s+)?(\w+)"
    r"(?:\s+(?:phase|loop|results?|set|error|metrics|stats))?[\W_]*$",
    re.IGNORECASE,
)


def name_and_context(body: str) -> tuple[str, str]:
    """The name at the end of a text, empty where there is none, and what stands before it."""
    bracketed = _IN_BRACKETS.search(body)
    if bracketed is not None and _is_known(bracketed[1]):
        return bracketed[1], body[: bracketed.start()]
    start = max((cut.end() for cut in _CUT.finditer(body)), default=0)
    name = body[start:]
    if "(" in name and ")" not in name:
        start += name.index("(") + 1
        name = body[start:]
    prose = _PROSE.match(name)
    # `timing in s: 0.5` is named whole.
    if prose is not None and not 0 < len(name[prose.end() :].strip()) <= _UNIT:
        start += prose.end()
        name = body[start:]
    name = name.strip(" \t\"'`:=-_,.[]><+~!").replace("[", "/")
    name = _DECORATION.sub("", name) if name != "#" else name
    return (name if _is_name(name) else ""), body[:start]


def name_before_count(context: str) -> str:
    """What is measured in `Cost after iteration 100: 0.6`, given the text before the counter."""
    found = _BEFORE_COUNT.search(context)
    name = _ARTICLE.sub("", found[1].strip()) if found else ""
    return name if _is_name(name) and len(role_names.tokens(name)) <= MOST_WORDS else ""


def split_called(word: str) -> str | None:
    """The part of the data that a word speaks of, None where it speaks of none."""
    return _SPLITS.get(word.lower())


@functools.lru_cache(maxsize=1024)
def says_split(word: str) -> bool:
    """Whether a word before a counter speaks of a part of the data, be it misspelt."""
    close = difflib.get_close_matches(word, ("training",), cutoff=_CLOSE) if len(word) > 5 else ()
    return split_called(word) is not None or bool(close)


@functools.lru_cache(maxsize=1024)
def in_split(name: str, split: str) -> str:
    """A name with the part of the data before it, where it does not tell one itself."""
    told = any(map(split_called, role_names.tokens(name)))
    return name if told else f"{split}/{name}"


def section_of(line: str) -> str | None:
    """The part of the data that a heading such as `Validating` announces, None for other lines.

    What speaks of training is "train": it ends what was announced before.
    """
    last = line.rpartition(" - ")[2]
    heading = _SECTION.match(last) if len(last) <= LONGEST_NAME else None
    return split_called(heading[1]) if heading else None


def _is_known(name: str) -> bool:
    return is_step_name(name) or role_names.meaning(name).role is not Role.OTHER


def _is_name(name: str) -> bool:
    return name == "#" or (
        any(character.isalpha() for character in name) and not _CODE.search(name)
    )
