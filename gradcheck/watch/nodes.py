"""What a trace knows of the operations and tensors through which a bad number came."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from gradcheck.watch.frames import Line
from gradcheck.watch.verdict import Verdict


@dataclass
class Node:
    """An operation whose result is not finite."""

    place: int
    op: str
    phase: str
    """forward, backward, optimizer or outside (no autograd, no module)."""
    module: str | None
    has_weights: bool
    line: Line | None
    bad_inputs: list[Node | Outside]
    verdict: Verdict
    made_nan: bool
    with_graph: bool
    """Whether an input depends on parameters."""
    takes_parameter: bool
    rows: tuple[int, ...] = ()
    samples: tuple[int, ...] = ()
    found_in: tuple[int, ...] = ()
    """Rows of a table of the user's that hold what the bad rows hold."""
    function: str | None = None
    """The autograd node, in backward."""
    in_loading: bool = False
    """Whether it ran while a DataLoader made a batch."""
    written: tuple[str, str | None] = ("data", None)
    """What it wrote to, if it is a writer: its kind and name."""
    in_place: bool = False
    fills_buffer: bool = False
    """Whether a buffer that was finite is not any more."""
    keeps: list[Tensor] = field(default_factory=list)


@dataclass
class Outside:
    """A tensor that was not finite and that no traced operation made."""

    tensor: Tensor
    kind: str
    """parameter, buffer, moment, gradient or data."""
    name: str | None = None
    line: Line | None = None
    """Where the script wrote it, if it was no optimizer and is known."""
