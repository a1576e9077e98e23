"""Reads from the graph of a loss whether what should be small is added to it or subtracted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MOST_NODES = 40

_FLOORS = frozenset(
    {
        "AbsBackward",
        "BinaryCrossEntropyBackward",
        "BinaryCrossEntropyWithLogitsBackward",
        "ClampMinBackward",
        "HuberLossBackward",
        "KlDivBackward",
        "LinalgVectorNormBackward",
        "MseLossBackward",
        "NllLoss2DBackward",
        "NllLossBackward",
        "NllLossNdBackward",
        "NormBackward",
        "ReluBackward",
        "SmoothL1LossBackward",
        "SoftMarginLossBackward",
        "SoftplusBackward",
    }
)
"""Nodes whose value has a lower bound and no upper one: errors, distances, likelihoods negated."""
_CEILINGS = frozenset({"LogSoftmaxBackward", "LogSigmoidBackward"})
"""Nodes whose value has an upper bound only: logarithms of probabilities."""
_POSITIVE = frozenset({"AbsBackward", "ExpBackward", "SoftplusBackward", "SqrtBackward"})
"""Nodes that are no sign: a learned scale, say."""
WEIGHTED = 0.5
"""What a term with a positive weight of unknown size is taken times."""
_THROUGH = frozenset(
    {
        "AddBackward",
        "CloneBackward",
        "DivBackward",
        "ExpandBackward",
        "GatherBackward",
        "IndexBackward",
        "MeanBackward",
        "MulBackward",
        "NegBackward",
        "ReshapeAliasBackward",
        "RsubBackward",
        "SelectBackward",
        "SqueezeBackward",
        "StackBackward",
        "SubBackward",
        "SumBackward",
        "ToCopyBackward",
        "UnsqueezeBackward",
        "ViewBackward",
    }
)


@dataclass(frozen=True)
class Terms:
    """What a loss adds up: names of the operations whose value it makes small, and large."""

    lowered: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()

    @property
    def negated(self) -> bool:
        """Whether all that is known of it should have the other sign."""
        return bool(self.raised) and not self.lowered


def terms(loss: Tensor, *, scaled: bool = False) -> Terms:
    """The terms of a loss with a known bound; a factor of unknown sign ends the search behind it.

    `scaled`: its last operation is the multiplication with a loss scale.
    """
    if torch._C._len_torch_dispatch_stack():  # somebody looks at every operation: make none
        return Terms()
    node: Any = loss.grad_fn
    if node is not None and scaled:
        node = node.next_functions[0][0]
    lowered: dict[str, None] = {}
    raised: dict[str, None] = {}
    waiting = [(node, 1.0)]
    for _ in range(MOST_NODES):
        if not waiting:
            break
        node, sign = waiting.pop()
        name = _name(node)
        bound = _bound(node, name)
        if bound < 0 and abs(sign) != 1.0:
            continue  # p log p is bounded from both sides
        if bound:
            (lowered if sign * bound > 0 else raised)[_spoken(name)] = None
        elif name in _THROUGH:
            waiting += _inputs(node, name, sign)
    return Terms(tuple(lowered), tuple(raised))


def _name(node: Any) -> str:
    return "" if node is None else str(node.name()).rstrip("0123456789")


def _bound(node: Any, name: str) -> int:
    """1 for a lower bound, -1 for an upper one, 0 for none that is known."""
    if name in _CEILINGS:
        return -1
    if name == "PowBackward":
        exponent = getattr(node, "_saved_exponent", None)
        return int(isinstance(exponent, int | float) and exponent > 0 and exponent % 2 == 0)
    return int(name in _FLOORS)


def _inputs(node: Any, name: str, sign: float) -> list[tuple[Any, float]]:
    """What a node was made of, each with its sign; nothing where the sign cannot be told."""
    sources = [source for source, _ in node.next_functions]
    if name in ("NegBackward", "RsubBackward"):
        return [(sources[0], -sign)]
    if name == "SubBackward":
        return [(source, -sign if at else sign) for at, source in enumerate(sources)]
    if name in ("MulBackward", "DivBackward"):
        return _scaled(node, sources, sign)
    return [(source, sign) for source in sources]


def _scaled(node: Any, sources: list[Any], sign: float) -> list[tuple[Any, float]]:
    known = [source for source in sources if source is not None]
    if len(known) == 2:
        value, weight = sources if _is_positive(sources[1]) else sources[::-1]
        turned = "Div" in node.name() and value is not sources[0]
        return [(value, WEIGHTED * sign)] if _is_positive(weight) and not turned else []
    if not known or known[0] is not sources[0]:
        return []  # what is known is the divisor
    raw = getattr(node, "_raw_saved_other", None)  # unpacked, it would run the script's own hooks
    if raw is None or getattr(raw, "unpack_hook", None) is not None:
        return []
    factor = getattr(raw, "data", None)
    if isinstance(factor, Tensor):
        if factor.dim() or factor.device.type != "cpu":
            return []
        factor = factor.item()
    if not isinstance(factor, int | float) or not factor:
        return []
    return [(known[0], sign if factor > 0 else -sign)]


def _is_positive(node: Any) -> bool:
    """Whether a node's value cannot be negative; what is added to it is taken for a small guard."""
    name = _name(node)
    if name == "AddBackward":
        return all(_is_positive(source) for source, _ in node.next_functions if source is not None)
    return name in _POSITIVE


def _spoken(name: str) -> str:
    return "a squared error" if name == "PowBackward" else name.removesuffix("Backward")
