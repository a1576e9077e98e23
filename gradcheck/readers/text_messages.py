"""Hears what a text log says in words: crashes, and steps skipped for an overflow."""

from __future__ import annotations

import re
from collections import deque

from gradcheck.model import Message, Said

OVERFLOW = "overflow"
"""What the series of steps skipped for an overflow is called."""
_KEPT_EACH_END = 50
_LONGEST = 300
_MOST_TRACEBACKS = 64
"""Tracebacks that may be under way at once, one for each rank that prints."""
_RANK = re.compile(r"^\s*\[[a-z]+\d+\]:\s?|^\s*\[\d+(?:,\d+)?\]<std(?:err|out)>:\s?")
# The text of a program, which may lie on top of its log, only tells what it would say.
_CODE = re.compile(
    r"^\s*(?:#|@\w|[\"']{3}|(?:print|raise|except|assert|if|elif|else|for|while|return|def|class|import"
    r"|from|with|try|self)\b|(?:[\w., ]+ = )?[a-z_][\w.]*\()"
)
_WORTH_A_LOOK = re.compile(
    r"error|exception|traceback|assert|overflow|memory|nccl|nans?\b|non-?finite|infinite|inf\b"
    r"|invalid loss|killed|sigkill|sigsegv|segmentation|out of (?:bounds|range)|oom|time ?out"
    r"|exitcode|minimum|stopping|loss is|became|returned|skipping|valid range|resum|checkpoint"
    r"|ckpt|restor|load(?:ed|ing)|valid path|enough time",
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
            r"|srcIndex < srcSelectDimSize|index out of bounds|out of bounds for (?:dim|axis|size)"
            r"|label value of -?\d+ which is outside the valid range"
            r"|takes value -?\d+ which is not in the valid range",
        ),
        (Said.DEVICE_ASSERT, r"device-side assert|cudaErrorAssert|input_val >= zero"),
        (Said.DEVICE_ASSERT, r"all elements of (?:input|target) should be between 0 and 1"),
        (
            Said.NONFINITE,
            r"FloatingPointError|loss is (?:-?inf|nan)|loss became (?:infinite|nan)"
            r"|returned nan values|invalid loss, terminating|nan or inf found"
            r"|non-?finite (?:loss|grad)"
            r"|(?:found|detected|encountered|got|contains?) (?:an? )?(?:nan|inf\b)"
            r"|\b(?:nan|inf)s? (?:values? |loss(?:es)? |grad\w* )?(?:were |was |is )?"
            r"(?:found|detected|encountered)"
            r"|minimum loss scale reached|loss scale already at minimum"
            r"|no valid path found|not enough time for target transition",
        ),
        (
            Said.COMMUNICATION,
            r"collective operation timeout|nccl\w{0,40} ?(?:error|timeout|failure)|ncclSystemError"
            r"|ncclInternalError|ncclUnhandledCudaError|watchdog.{0,200}(?:timeout|timed out)"
            r"|connection closed by peer|rendezvous.{0,200}time",
        ),
        (
            Said.KILLED,
            r"^killed$|exitcode\s*:?\s*-9|signal 9 \(SIGKILL\)|SIGKILL|segmentation fault|SIGSEGV"
            r"|slurmstepd: error: .{0,200}(?:cancelled|time limit)",
        ),
        (
            Said.RESUMED,
            r"\bresum(?:ed|ing)\b.{0,40}\b(?:at|from|training|run|step|epoch|iter\w*)\b"
            r"|\b(?:loaded|loading|restored|restoring|continuing)\b.{0,60}(?:\b|_)(?:checkpoint|ckpt)\b"
            r"|\b(?:checkpoint|ckpt)\b.{0,80}\b(?:loaded|restored)\b",
        ),
    )
)


# "no NaN found" is good news, and "checking for NaN" none.
_DENIED = re.compile(
    r"\b(?:no|not|never|without|0|zero|none|if|checks?|checked|checking)(?: for)?(?: any| an?)?"
    r" (?:nan|inf|non-?finite|gradient overflow)",
    re.IGNORECASE,
)
_FEW_WORDS = re.compile(r"^[A-Za-z_][\w.]*(?::(?:\s|$)|$)")
_WITHOUT_TRACEBACK = re.compile(r"^(?:Syntax|Indentation|Tab|Import|ModuleNotFound)Error: ")
_DIGIT = re.compile(r"\d")
_CLOCK = re.compile(r"\d\d:\d\d")


def speaks(template: str) -> bool:
    """Whether a line of this template, its numbers left out, may be a message."""
    return bool(_WORTH_A_LOOK.search(template))


class Listener:
    """Takes the lines of a log one by one, and keeps the messages among them."""

    def __init__(self) -> None:
        self._first: list[Message] = []
        self._last: deque[Message] = deque(maxlen=_KEPT_EACH_END)
        self._unexplained: list[int] = []  # where one broke off that nothing explains yet
        self._tracebacks: dict[str, int] = {}  # by what stands before their lines, the first line

    @property
    def in_traceback(self) -> bool:
        """Whether the next line may belong to a traceback, whatever it is."""
        return bool(self._tracebacks)

    @property
    def said(self) -> tuple[Message, ...]:
        """The messages, the middle ones of a long row of them left out."""
        return tuple(sorted((*self._first, *self._last), key=lambda message: message.order))

    def take(self, number: int, line: str) -> dict[str, float] | None:
        """Take a line; a step skipped for an overflow comes back as the cells of a row."""
        start = line.find(_TRACEBACK)
        if start >= 0 and not _CODE.match(line):
            self._begin(number, line[:start])
            return None
        self._set_free(number, line)
        for before, began in list(self._tracebacks.items()):
            if _matches(line, before):
                self._go_on(number, line[len(before) :], before, began)
                return None
        if _CODE.match(line):
            return None
        if _OVERFLOW.search(line) and not _DENIED.search(line):
            scale = _NEW_SCALE.search(line)
            return {OVERFLOW: 1.0, **({"loss scale": float(scale[1])} if scale else {})}
        said = _what(line)
        if said is not None:
            self._keep(said, number, line)
        return None

    def finish(self) -> None:
        """Take note that the log ends, perhaps in the middle of a traceback."""
        began = min((*self._tracebacks.values(), *self._unexplained), default=None)
        if began is not None:
            self._keep(Said.EXCEPTION, began, _TRACEBACK)
        self._tracebacks.clear()

    def _begin(self, number: int, before: str) -> None:
        if len(self._tracebacks) >= _MOST_TRACEBACKS:
            self.finish()
        shape = _DIGIT.sub("0", before) if _CLOCK.search(before) else before
        self._tracebacks[shape] = number

    def _set_free(self, number: int, line: str) -> None:
        """Forget what stood before a traceback where that was only a progress bar."""
        if line.startswith("  File "):
            for before, began in list(self._tracebacks.items()):
                if began == number - 1 and not _matches(line, before):
                    del self._tracebacks[before]
                    self._tracebacks[""] = began

    def _go_on(self, number: int, text: str, before: str, began: int) -> None:
        """Take a line of a traceback; its last is kept, which names what was raised."""
        if text.startswith((" ", "\t")) or not text.strip():
            return
        del self._tracebacks[before]
        raised = text.rstrip()
        if raised.startswith("KeyboardInterrupt"):
            return
        if _RAISED.match(raised) or _FEW_WORDS.match(raised):
            self._keep(_what(raised) or Said.EXCEPTION, number, raised)
        elif not self._unexplained:
            self._unexplained.append(began)

    def _keep(self, said: Said, number: int, line: str) -> None:
        self._unexplained.clear()  # what follows tells what was raised
        message = Message(said, number, " ".join(line.split())[:_LONGEST])
        if len(self._first) < _KEPT_EACH_END:
            self._first.append(message)
        else:
            self._last.append(message)


def _matches(line: str, before: str) -> bool:
    """Whether a line starts as those of a traceback do, the digits of a clock apart."""
    return line.startswith(before) or _DIGIT.sub("0", line[: len(before)]) == before


def _what(line: str) -> Said | None:
    text = _RANK.sub("", line).strip()
    if _WITHOUT_TRACEBACK.match(text):
        return Said.EXCEPTION
    if _DENIED.search(text):
        return None
    return next((said for said, pattern in _SAID if pattern.search(text)), None)
