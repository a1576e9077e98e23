"""Knows the lines whose numbers no word before them names, each by its whole shape."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gradcheck.readers.text_numbers import MARK, MARK_OF, Template

# YOLACT: `[  3]    5120 || B: 2.1 | C: 3.4 | M: 3.0 | S: 0.4 | T: 8.9 || ETA: 1 day, 2:03:04 ||`.
_YOLACT = re.compile(
    rf"(?:^|\s)\[ ?{MARK}\] {MARK} \|\| (?P<losses>(?:[A-Z]: {MARK} \| )+T: {MARK}) \|\|"
)
_OF_YOLACT = {
    "B": "box loss",
    "C": "class loss",
    "M": "mask loss",
    "P": "prototype loss",
    "D": "coefficient diversity loss",
    "E": "class existence loss",
    "S": "semantic loss",
    "I": "mask IoU loss",
    "T": "total loss",
}
_ALWAYS = frozenset("BCM")
# Darknet: `120: 812.4, 790.1 avg loss, 0.001 rate, 2.5 seconds, 7680 images, 3.1 hours left`.
_DARKNET = re.compile(
    rf"(?:^|\s){MARK}: {MARK}, {MARK} avg(?: loss)?, {MARK} rate, {MARK} seconds, {MARK} images"
)
_OF_DARKNET = ("loss", "avg loss", "learning rate", "seconds", "images")
# Tacotron 2: `Train loss 1200 0.412345 Grad Norm 0.731234 1.92s/it`.
_TACOTRON = re.compile(rf"(?:^|\W)Train loss {MARK} {MARK}(?:\*\*)? Grad Norm {MARK}")


class Known(NamedTuple):
    """What one number of a line is."""

    run: int
    name: str
    counts: bool


def fields_of(line: Template) -> tuple[Known, ...]:
    """What the numbers of a line of a known shape are; nothing for all other lines."""
    yolact = _YOLACT.search(line.text) if "|| B: " in line.text else None
    if yolact is not None:
        letters = re.findall("[A-Z](?=: )", yolact["losses"])
        if not _ALWAYS.issubset(letters):
            return ()
        names = [_OF_YOLACT.get(letter, f"{letter} loss") for letter in letters]
        return tuple(_taken(line, yolact, ["epoch", "iteration"], names))
    darknet = _DARKNET.search(line.text) if " avg" in line.text else None
    if darknet is not None:
        return tuple(_taken(line, darknet, ["iteration"], list(_OF_DARKNET)))
    tacotron = _TACOTRON.search(line.text) if " loss " in line.text else None
    if tacotron is not None:
        return tuple(_taken(line, tacotron, ["iteration"], ["loss", "grad norm"]))
    return ()


def _taken(
    line: Template, shape: re.Match[str], counts: list[str], names: list[str]
) -> Iterator[Known]:
    before = len(re.findall(f"[{MARK}{MARK_OF}]", line.text[: shape.start()]))
    for place, name in enumerate([*counts, *names]):
        run = line.runs[before + place]
        if run >= 0:
            yield Known(run, name, place < len(counts))
