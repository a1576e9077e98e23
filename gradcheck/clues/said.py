"""Does the log say in words what happened: an index out of range, an operation that gave NaN?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.model import Evidence, Kind, Message, Said

CLUES = {
    "index_out_of_range_said": ClueKind(
        "the run crashed with an index out of range of a table or of the classes", needs=()
    ),
    "device_assert_said": ClueKind(
        "the run crashed in an assertion of a GPU kernel or a loss's check of its range", needs=()
    ),
    "no_alignment_said": ClueKind(
        "the CTC loss says that a label is longer than its input can be aligned with", needs=()
    ),
    "undefined_operation_said": ClueKind(
        "anomaly detection names an operation that is undefined for some inputs", needs=()
    ),
}
_KEYS = {
    Said.INDEX_OUT_OF_RANGE: "index_out_of_range_said",
    Said.DEVICE_ASSERT: "device_assert_said",
}
_UNALIGNED = re.compile(r"no valid path found|not enough time for target", re.IGNORECASE)
_UNDEFINED = re.compile(
    r"\b(Log\w*|Sqrt|Rsqrt|Div|Pow|Reciprocal|Acos|Asin|Acosh|Atanh|Norm|LinalgVectorNorm|Std|Var"
    r"|Cdist)Backward\d*\b"
)


def observe(case: Case) -> Iterator[Clue]:
    """Look through the messages."""
    crashed = bool(case.of_kind(Kind.CRASH))
    told: dict[str, Message] = {}
    for message in case.run.messages:
        key = _KEYS.get(message.said) if crashed else None
        if message.said is Said.NONFINITE and _UNALIGNED.search(message.text):
            key = "no_alignment_said" if case.failed else None
        elif message.said is Said.NONFINITE and _UNDEFINED.search(message.text):
            key = "undefined_operation_said"
        if key is not None:
            told.setdefault(key, message)
    for key, message in told.items():
        yield _clue(case, key, message)


def _clue(case: Case, key: str, message: Message) -> Clue:
    where = f"line {message.order} says" if case.run.by_line else "the log says"
    steps = [event.step for event in case.of_kind(Kind.CRASH)] or [case.onset_step]
    return Clue(key, Evidence(f"{where}: {message.text}", None, steps[0], steps[0]))
