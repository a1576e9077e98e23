"""gradcheck: why a training run went NaN, blew up, spiked or froze, and what to change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradcheck.diagnosis import analyze as analyze
    from gradcheck.loading import load as load
    from gradcheck.model import Report as Report
    from gradcheck.model import Run as Run
    from gradcheck.watch.context import Watching as watch  # noqa: N813 - called as a function

__version__ = "0.1.0"
__all__ = ["Report", "Run", "__version__", "analyze", "load", "watch"]

_HOMES = {"analyze": "diagnosis", "load": "loading", "Report": "model", "Run": "model"}


def __getattr__(name: str) -> Any:
    """Import on first use: `gradcheck --help` must not pay for numpy."""
    from importlib import import_module  # noqa: PLC0415

    if name == "watch":  # a package that can be called: with gradcheck.watch(): ...
        return import_module("gradcheck.watch")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"gradcheck.{_HOMES[name]}"), name)
