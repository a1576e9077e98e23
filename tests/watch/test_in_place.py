"""Where a rollback would leave a trace: files and connections that a script holds open."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gradcheck.watch.replay import descriptors


@pytest.fixture(autouse=True)
def _only_what_the_test_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    real = descriptors._open
    known = {number for number, _ in real()}

    def opened() -> Iterator[tuple[int, os.stat_result]]:
        return ((number, kind) for number, kind in real() if number not in known)

    monkeypatch.setattr(descriptors, "_open", opened)


def test_a_file_open_for_writing_leads_out(tmp_path: Path) -> None:
    with (tmp_path / "data").open("wb"):
        assert descriptors.leads_out(tmp_path / "record") == str(tmp_path / "data")
    assert descriptors.leads_out(tmp_path / "record") is None


def test_what_is_only_read_and_what_is_ours_does_not(tmp_path: Path) -> None:
    (tmp_path / "read").write_text("1")
    ours = tmp_path / "record"
    ours.mkdir()
    with (tmp_path / "read").open("rb"), (ours / "events").open("wb"), Path(os.devnull).open("wb"):
        assert descriptors.leads_out(ours) is None


def test_a_connection_leads_out(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert descriptors.leads_out(tmp_path) == "a connection"
