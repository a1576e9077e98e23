"""What the name of a loss promises about its values."""

from __future__ import annotations

import re

import numpy as np

from gradcheck.model import IntArray, Series

NEVER_NEGATIVE = re.compile(
    r"\bbce|cross.?entropy|\bxent\b|\bmse\b|\bmae\b|\bhuber\b|\bhinge\b|\bl1\b"
)
WITH_MARGIN = re.compile(r"hinge|triplet|margin|perceptron|contrastive")
CTC = re.compile(r"\bctc")
LEAST_ROWS = 3


def impossible_rows(loss: Series) -> IntArray:
    """The negative rows of a loss whose name says that it cannot be; empty for a few only."""
    if not NEVER_NEGATIVE.search(_words(loss)):
        return np.zeros(0, dtype=np.int64)
    below = np.flatnonzero(loss.value < 0)
    return below if len(below) >= LEAST_ROWS else below[:0]


def reaches_zero(loss: Series) -> bool:
    """Whether the loss is one with a margin by its name: exactly 0 once that is kept."""
    return WITH_MARGIN.search(_words(loss)) is not None


def is_ctc(loss: Series) -> bool:
    """Whether the loss is a CTC loss by its name."""
    return CTC.search(_words(loss)) is not None


def _words(loss: Series) -> str:
    return re.sub(r"[_/\-. ]+", " ", loss.name.lower())
