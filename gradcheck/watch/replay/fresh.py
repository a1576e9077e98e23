"""A fresh process that runs a watched script again from its first line, once for every order."""

from __future__ import annotations

import importlib
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from gradcheck.watch import launch
from gradcheck.watch.changes import catalogue
from gradcheck.watch.launch import Target
from gradcheck.watch.record import Record
from gradcheck.watch.replay import contain, serving
from gradcheck.watch.session import Session


class _Unwritten(Record):
    """A replay answers, and keeps no record: to a record, this process is a stranger."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._owner = 0


def serve(number: int, root: str) -> NoReturn:
    """Serve the process at the other end of the channel with this descriptor.

    All files of replays lie in `root`.
    """
    channel = socket.socket(fileno=number)
    channel.set_inheritable(False)
    # once, for all that are forked from here: the first optimizer imports dynamo
    catalogue.changes()
    importlib.import_module("torch._dynamo")
    channel.sendall(b'{"ready": true}\n')
    order = serving.wait(channel, Path(root), lambda forking: None)
    run(order, channel)


def run(order: Mapping[str, Any], channel: socket.socket) -> NoReturn:
    """Run the script with what the order asks for in force; the process ends by its answer."""
    place = contain.Place(Path(order["scratch"]), order["since"], hides=True)
    contain.contain(place, keep=channel.fileno())
    session = Session(_Unwritten())
    session.snapshots.follow(order, channel)
    session.start()
    target = Target(order["name"], order["arguments"], is_module=order["is_module"])
    ending = launch.run(target)
    session.finish(ending.error)
    raise AssertionError("a replay ends by its answer")
