"""Watches a PyTorch script from inside: the only package that imports torch.

The package itself can be called: `with gradcheck.watch(): ...` watches a block of code.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck.watch.context import Watching


class _Callable(ModuleType):
    def __call__(
        self,
        record: str | Path | None = None,
        *,
        keep_going: bool = False,
        replay: bool = True,
    ) -> Watching:
        """Watch a block of code; the record goes to a directory of its own, or to `record`."""
        from gradcheck.watch.context import Watching  # noqa: PLC0415 - torch is heavy

        return Watching(record, keep_going=keep_going, replay=replay)


sys.modules[__name__].__class__ = _Callable
