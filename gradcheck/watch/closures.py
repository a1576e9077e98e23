"""Looks into the closures in which L-BFGS, and Lightning, run forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def of(args: Any, kwargs: Any) -> Callable[[], Any] | None:
    """The closure that a step was given, None where there is none."""
    closure = args[1] if len(args) > 1 else kwargs.get("closure")
    return closure if callable(closure) else None


def watched(args: Any, kwargs: Any, then: Callable[[], None]) -> tuple[Any, Any]:
    """The arguments of a step with a closure that calls `then` after its first run."""
    closure = of(args, kwargs)
    first = True

    def run() -> Any:
        nonlocal first
        assert closure is not None
        result = closure()
        if first:
            first = False
            then()
        return result

    if len(args) > 1:
        return (args[0], run, *args[2:]), kwargs
    return args, {**kwargs, "closure": run}
