"""Knows the sums over data alone: a divisor that says how many of the targets count, say."""

# mypy: allow-untyped-calls
from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from gradcheck.watch.dispatch import is_plain, storage_of, strided_in
from gradcheck.watch.provenance import Rows
from gradcheck.watch.storages import Storages
from gradcheck.watch.verdict import Verdict

_SUMS = frozenset({"sum", "count_nonzero"})
_CARRIED = frozenset({"_to_copy", "clone", "view", "squeeze", "unsqueeze", "detach", "alias"})
_DIFFERENCES = frozenset({"sub", "sub_", "rsub"})
_DRAWN = re.compile(r"rand|bernoulli|multinomial|normal|uniform|poisson|dropout")
_PICKS = frozenset({"index", "index_select", "gather", "embedding", "take_along_dim"})
"""Operations that read a table at places: whether the places were drawn says nothing of it."""
_QUOTIENTS = frozenset({"div", "div_", "true_divide"})


class Counts:
    """Sums to a single number of what no weight had a part in, with the samples summed over."""

    def __init__(self, is_state: Callable[[Tensor], bool]) -> None:
        self._is_state = is_state
        self._learned = Storages()
        self._spreads = Storages()
        """What was made of differences: its sum is 0 where all targets are alike, say."""
        self.in_loading = False
        """Whether a DataLoader makes a batch: what it draws is data all the same."""
        self._drawn = Storages()
        """What chance had a part in: a mask that hides all of a batch is no fault of its data."""
        self._sums: dict[int, tuple[int, ...]] = {}

    def follow(
        self, name: str, args: Sequence[Any], kwargs: dict[str, Any], result: Any, samples: Rows
    ) -> None:
        """An operation ran: is its result learned, a sum over data, or such a sum carried on?"""
        inputs = strided_in(args, kwargs)
        learned = any(map(self._depends, inputs))
        read = strided_in(args[:1], {}) if name in _PICKS else inputs
        drawn = (not self.in_loading and bool(_DRAWN.search(name))) or any(
            t in self._drawn for t in read
        )
        spread = name in _DIFFERENCES or any(t in self._spreads for t in inputs)
        for out in strided_in((result,), {}):
            key = storage_of(out)
            known = self._sums.pop(key, None)
            self._learned.put(out, is_in=learned)
            self._spreads.put(out, is_in=spread and out.is_floating_point())
            self._drawn.put(out, is_in=drawn)
            if learned or drawn:
                continue
            if name in _SUMS and out.numel() == 1 and not spread:
                self._sums[key] = tuple(sorted(samples.of(args[0]) or ()))
            elif name in _CARRIED and is_plain(args[0]):
                carried = self._sums.get(storage_of(args[0]), known)
                if carried is not None:
                    self._sums[key] = carried

    def verdict(self, name: str, args: Sequence[Any]) -> tuple[Verdict, tuple[int, ...]] | None:
        """What it means that a learned number was divided by such a sum, and its samples."""
        if name not in _QUOTIENTS or not all(
            isinstance(one, Tensor) and is_plain(one) for one in args[:2]
        ):
            return None
        above, over = args[:2]
        samples = self._sums.get(storage_of(over))
        if samples is None or over.numel() != 1 or bool(over != 0) or not self._depends(above):
            return None
        words = "averages over nothing: what it divides by is a sum over the batch, and is 0"
        return Verdict("no_target_counted", words), samples

    def _depends(self, t: Tensor) -> bool:
        return t.requires_grad or t in self._learned or self._is_state(t)
