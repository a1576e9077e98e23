"""Hears what a text log says in words: crashes, and steps skipped for an overflow."""

from __future__ import annotations

import re
from collections import deque

from gradcheck.model import Message, Said

_KEPT_EACH_END = 50
_LONGEST = 300
_RANK = re.compile(r"^\s*\[rank\d+\]:\s?|^\s*\[\d+(?:,\d+)?\]<std(?:err|out)>:\s?")
_WORTH_A_LOOK = re.compile(
    r"error|exception|traceback|assert|overflow|memory|nccl|nans?\b|non-?finite|infinite|inf\b"
    r"|invalid loss|killed|sigkill|sigsegv|segmentation|out of (?:bounds|range)|oom|time ?out"
    r"|exitcode|minimum|stopping|loss is|became|returned|skipping",
    re.IGNORECASE,
)
_OVERFLOW = re.compile(
    r"gradient overflow|\boverflow!|overflow detected|skipping (?:this )?(?:optimizer )?step",
    re.IGNORECASE,
)
_NEW_SCALE = re.compile(
    r"(?:loss scale to:?|reducing(?: loss scale)? to|loss_scale(?: is)?(?: reduced)? to|->)\s*"
    r"([\d.]+(?:e[-+]?\d+)?)",
    re.IGNORECASE,
)
_TRACEBACK = "Traceback (most recent call last)"
_RAISED = re.compile(r"^(?P<type>[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Assert\w*))\b:?")
# From the most to the least particular; the first that fits decides.
_SAID = tuple(
    (said, re.compile(pattern, re.IGNORECASE))
    for said, pattern in (
        (Said.OUT_OF_MEMORY, r"out of memory|outofmemory|resource_?exhausted|oom[- ]kill"),
        (Said.OUT_OF_MEMORY, r"can(?:'t|not) allocate memory|^MemoryError"),
        (
            Said.INDEX_OUT_OF_RANGE,
            r"index out of range in self|target -?\d+ is out of bounds|t >= 0 && t < n_classes"
            r"|srcIndex < srcSelectDimSize|index out of bounds|out of bounds for (?:dim|axis|size)",
        ),
        (Said.DEVICE_ASSERT, r"device-side assert|cudaErrorAssert|input_val >= zero"),
        (Said.DEVICE_ASSERT, r"all elements of (?:input|target) should be between 0 and 1"),
        (
            Said.NONFINITE,
            r"FloatingPointError|loss is (?:-?inf|nan)|loss became (?:infinite|nan)"
            r"|returned nan values|invalid loss, terminating|nan or inf found"
            r"|non-?finite (?:loss|grad)"
            r"|(?:found|detected|encountered|got|contains?) (?:an? )?(?:nan|inf\b)"
            r"|\b(?:nan|inf)s? (?:values? )?(?:were |was |is )?(?:found|detected|encountered)"
            r"|minimum loss scale reached|loss scale already at minimum",
        ),
        (
            Said.COMMUNICATION,
            r"collective operation timeout|nccl\w* ?(?:error|timeout|failure)|ncclSystemError"
            r"|ncclInternalError|ncclUnhandledCudaError|watchdog.*(?:timeout|timed out)"
            r"|connection closed by peer|rendezvous.*time",
        ),
        (
            Said.KILLED,
            r"^killed$|exitcode\s*:?\s*-9|signal 9 \(SIGKILL\)|SIGKILL|segmentation fault|SIGSEGV"
            r"|slurmstepd: error: .*(?:cancelled|time limit)",
        ),
    )
)


def speaks(template: str) -> bool:
    """Whether a line of this template, its numbers left out, may be a message."""
    return bool(_WORTH_A_LOOK.search(template))


class Listener:
    """Takes the lines of a log one by one, and keeps the messages among them."""

    def __init__(self) -> None:
        self._first: list[Message] = []
        self._last: deque[Message] = deque(maxlen=_KEPT_EACH_END)
        self._in_traceback = False

    @property
    def in_traceback(self) -> bool:
        """Whether the next line belongs to a traceback, whatever it is."""
        return self._in_traceback

    @property
    def said(self) -> tuple[Message, ...]:
        """The messages, the middle ones of a long row of them left out."""
        return (*self._first, *self._last)

    def take(self, number: int, line: str) -> dict[str, float] | None:
        """Take a line; a step skipped for an overflow comes back as the cells of a row."""
        if self._in_traceback:
            self._in_traceback = self._go_on(number, line)
            return None
        if _TRACEBACK in line:
            self._in_traceback = True
            return None
        if _OVERFLOW.search(line):
            scale = _NEW_SCALE.search(line)
            return {"overflow": 1.0, **({"loss scale": float(scale[1])} if scale else {})}
        said = _what(line)
        if said is not None:
            self._keep(said, number, line)
        return None

    def _go_on(self, number: int, line: str) -> bool:
        """Whether a traceback still goes on behind this line; its last line is kept."""
        text = _RANK.sub("", line)
        raised = _RAISED.match(text)
        if raised is not None:
            if raised["type"] != "KeyboardInterrupt":
                self._keep(_what(text) or Said.EXCEPTION, number, text)
            return False
        return text.startswith((" ", "\t")) or not text.strip()

    def _keep(self, said: Said, number: int, line: str) -> None:
        message = Message(said, number, " ".join(line.split())[:_LONGEST])
        if len(self._first) < _KEPT_EACH_END:
            self._first.append(message)
        else:
            self._last.append(message)


def _what(line: str) -> Said | None:
    text = _RANK.sub("", line).strip()
    return next((said for said, pattern in _SAID if pattern.search(text)), None)
