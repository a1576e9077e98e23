"""Reads from the graph of a loss whether what should be small is added to it or subtracted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradcheck.watch import densities
from gradcheck.watch.densities import name_of

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
_COMBINING = frozenset(
    {"AddBackward", "MeanBackward", "StackBackward", "SubBackward", "SumBackward"}
)
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
    weighed: bool = False
    """Whether it averages what was weighed by numbers of both signs: advantages, say."""
    density: bool = False
    """Whether it divides an error by a width that the model predicts."""

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
    found, complete, weighed = _walk(node)
    lowered = [name for name, sign, bound in found if sign * bound > 0]
    # a logarithm beside something unknown may be part of a divergence
    raised = [n for n, sign, bound in found if sign * bound < 0 and (bound > 0 or complete)]
    density = not weighed and densities.learns_width(node)
    return Terms(tuple(dict.fromkeys(lowered)), tuple(dict.fromkeys(raised)), weighed, density)


def _walk(root: Any) -> tuple[list[tuple[str, float, int]], bool, bool]:
    """The terms with a bound, their sign and which bound; whether there are no others.

    And whether any is weighed by numbers of both signs.
    """
    found: list[tuple[str, float, int]] = []
    complete, weighed = True, False
    waiting = [(root, 1.0, False)]
    for _ in range(MOST_NODES):
        if not waiting:
            break
        node, sign, summed = waiting.pop()
        name = name_of(node)
        bound = _bound(node, name)
        weighed = weighed or _is_weighed(node, name)
        weighted = bound < 0 and abs(sign) != 1.0  # p log p has two bounds, a reward either sign
        if bound and not weighted:
            found.append((_spoken(name), sign, bound))
        elif name in _THROUGH:
            inside = summed or name in _COMBINING
            waiting += [(*source, inside) for source in _inputs(node, name, sign, summed=summed)]
        else:
            complete = False
    return found, complete and not waiting, weighed


def _is_weighed(node: Any, name: str) -> bool:
    """Whether a node multiplies by constants of both signs.

    By one for each sample: those of a dot product have several. A ratio of probabilities is none
    of it: it begins at 1, and says how far the policy has gone.
    """
    sources = [source for source, _ in node.next_functions] if name == "MulBackward" else []
    known = [source for source in sources if source is not None]
    if len(known) != 1 or name_of(known[0]) in ("ExpBackward", "ClampBackward"):
        return False
    raw = getattr(
        node, "_raw_saved_self" if known[0] is not sources[0] else "_raw_saved_other", None
    )
    if raw is None or getattr(raw, "unpack_hook", None) is not None:
        return False
    factor = getattr(raw, "data", None)
    if not isinstance(factor, Tensor) or factor.device.type != "cpu" or not factor.dim():
        return False
    if not 2 <= factor.numel() == max(factor.shape):
        return False
    low, high = torch.aminmax(factor.detach())
    return float(low) < 0 < float(high)


def _bound(node: Any, name: str) -> int:
    """1 for a lower bound, -1 for an upper one, 0 for none that is known."""
    if name in _CEILINGS:
        return -1
    if name == "PowBackward":
        exponent = getattr(node, "_saved_exponent", None)
        even = isinstance(exponent, int | float) and exponent > 0 and exponent % 2 == 0
        return int(even and _is_difference(node))
    if name == "AbsBackward":
        return int(_is_difference(node))
    return int(name in _FLOORS)


def _is_difference(node: Any) -> bool:
    """Whether it is made of a difference, an error: a cosine has an upper bound of its own."""
    return name_of(node.next_functions[0][0]) in ("SubBackward", "RsubBackward")


def _inputs(node: Any, name: str, sign: float, *, summed: bool) -> list[tuple[Any, float]]:
    """What a node was made of, each with its sign; nothing where the sign cannot be told.

    `summed`: it is one of several that are added up, and a factor may be a weight of its own.
    """
    sources = [source for source, _ in node.next_functions]
    if name in ("NegBackward", "RsubBackward"):
        return [(sources[0], -sign)]
    if name in ("AddBackward", "SubBackward"):
        alpha = getattr(node, "_saved_alpha", 1)
        second = (-sign if name == "SubBackward" else sign) * (1 if alpha > 0 else -1)
        return [(source, second if at else sign) for at, source in enumerate(sources)]
    if name in ("MulBackward", "DivBackward"):
        return _scaled(node, sources, sign, summed=summed)
    return [(source, sign) for source in sources]


def _scaled(node: Any, sources: list[Any], sign: float, *, summed: bool) -> list[tuple[Any, float]]:
    known = [source for source in sources if source is not None]
    if len(known) == 2:
        value, weight = sources if _is_positive(sources[1]) else sources[::-1]
        turned = "Div" in node.name() and value is not sources[0]
        return [(value, WEIGHTED * sign)] if _is_positive(weight) and not turned else []
    behind = bool(known) and known[0] is not sources[0]
    if not known or (behind and "Div" in node.name()):
        return []  # what is known is the divisor
    # unpacked, it would run the script's own hooks
    raw = getattr(node, "_raw_saved_self" if behind else "_raw_saved_other", None)
    if raw is None or getattr(raw, "unpack_hook", None) is not None:
        return []
    factor = getattr(raw, "data", None)
    if isinstance(factor, Tensor):
        if factor.dim() or factor.device.type != "cpu":
            return []
        factor = factor.item()
    if not isinstance(factor, int | float) or not factor:
        return []
    size = WEIGHTED if summed and abs(factor) != 1 else 1.0
    return [(known[0], sign * (size if factor > 0 else -size))]


def _is_positive(node: Any) -> bool:
    """Whether a node's value cannot be negative; what is added to it is taken for a small guard."""
    name = name_of(node)
    if name == "AddBackward":
        return all(_is_positive(source) for source, _ in node.next_functions if source is not None)
    return name in _POSITIVE


def _spoken(name: str) -> str:
    return "a squared error" if name == "PowBackward" else name.removesuffix("Backward")
