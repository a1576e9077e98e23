"""Reads from the graph of a loss whether it is a density whose width the model predicts."""

from __future__ import annotations

import re
from collections import deque
from typing import Any

MOST_NODES, DEEPEST = 120, 10

_WIDTHS = frozenset({"ExpBackward", "PowBackward", "SoftplusBackward", "SqrtBackward"})
"""Nodes that make a width, or its square, of what a model predicts."""
_ERRORS = frozenset(
    {"AbsBackward", "MseLossBackward", "PowBackward", "RsubBackward", "SubBackward"}
)
_THROUGH = frozenset(
    {
        "AddBackward",
        "CloneBackward",
        "DivBackward",
        "ExpandBackward",
        "IndexBackward",
        "MulBackward",
        "NegBackward",
        "SelectBackward",
        "SliceBackward",
        "SplitBackward",
        "SqueezeBackward",
        "UnsqueezeBackward",
        "ViewBackward",
    }
)
"""Nodes that leave it what it is."""
_HELD = re.compile(r"Clamp|HardTanh|Mean|Norm|Sigmoid|Std|Sum|Tanh|Var")
"""Nodes that give a width a floor, or take it from the numbers themselves: a normalisation."""


def learns_width(loss: Any) -> bool:
    """Whether an error is divided by what a model predicts, which nothing keeps away from 0.

    `loss` is the node at which backward begins. The narrower such a density becomes, the steeper
    it is (Seitzer et al. 2022, On the pitfalls of heteroscedastic uncertainty estimation).
    """
    waiting, seen = deque([loss]), {loss}
    for _ in range(MOST_NODES):
        if not waiting:
            break
        node = waiting.popleft()
        if _is_weighed_error(node):
            return True
        fresh = {source for source in _sources(node) if source not in seen}
        seen |= fresh
        waiting.extend(fresh)
    return False


def _is_weighed_error(node: Any) -> bool:
    sources, name = _sources(node), name_of(node)
    if len(sources) != 2 or name not in ("DivBackward", "MulBackward"):
        return False
    error, width = sources
    if name == "DivBackward":
        return _leads(error, _ERRORS) and _leads(width, _WIDTHS) and _is_free(width)
    pairs = ((error, width), (width, error))
    # an error times exp(-s)
    return any(
        _leads(one, _ERRORS) and name_of(other) == "ExpBackward" and _is_free(other)
        for one, other in pairs
    )


def _leads(node: Any, to: frozenset[str]) -> bool:
    """Whether a node is one of these, or comes of one by what leaves it as it is."""
    waiting = [node]
    for _ in range(DEEPEST):
        if not waiting:
            return False
        node = waiting.pop(0)
        if name_of(node) in to:
            return True
        if name_of(node) in _THROUGH:
            waiting += _sources(node)
    return False


def _is_free(width: Any) -> bool:
    """Whether nothing on the way from what was predicted keeps a width away from 0."""
    waiting = [width]
    for _ in range(2 * DEEPEST):
        if not waiting:
            break
        node = waiting.pop(0)
        if _HELD.search(name_of(node)):
            return False
        if name_of(node) in _THROUGH | _WIDTHS:
            waiting += _sources(node)
    return True


def _sources(node: Any) -> list[Any]:
    return [] if node is None else [one for one, _ in node.next_functions if one is not None]


def name_of(node: Any) -> str:
    """The name of a node of the graph without its version, "" for none."""
    return "" if node is None else str(node.name()).rstrip("0123456789")
