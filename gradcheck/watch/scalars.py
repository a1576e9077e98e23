"""Single learned numbers, such as a temperature: their values are written down step by step."""

# mypy: allow-untyped-calls
from __future__ import annotations

import gc
from collections.abc import Iterable

from torch import Tensor

from gradcheck.model.inside import LEARNED
from gradcheck.watch.followed import Followed
from gradcheck.watch.names import Names

MOST = 8
"""Single numbers of an optimizer beyond which they are no temperatures."""


def values(held: Iterable[tuple[str, Tensor]]) -> dict[str, float]:
    """The learned numbers of an optimizer by name, as they are when its step is written down."""
    return {LEARNED + name: float(one.detach()) for name, one in held}


def find(followed: Followed, names: Names) -> list[tuple[str, Tensor]]:
    """What is one of an optimizer's numbers, and its name.

    Those that a GPU holds are left out: reading them would wait for it in every step.
    """
    found = [
        ((names.parameter.get(id(p)) or _called(p) or names.of(p, place)), p)
        for place, p in enumerate(followed.parameters)
        if p.dim() == 0 and p.device.type == "cpu" and p.is_floating_point()
    ]
    if len(found) > MOST:
        return []
    several = followed.place > 0
    return [(f"optimizer_{followed.place}/{n}" if several else n, p) for n, p in found]


def _called(number: Tensor) -> str | None:
    """What the script calls a number that no module holds: an attribute or a global of its own."""
    for holder in gc.get_referrers(number):
        held = holder if isinstance(holder, dict) else getattr(holder, "__dict__", None)
        for name, value in list(held.items()) if isinstance(held, dict) else ():
            if value is number and isinstance(name, str) and not name.startswith("_"):
                return name
    return None
