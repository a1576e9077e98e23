"""Logs in files that are not called so: read where they are named, or are hardly anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcheck import finding, loading
from gradcheck.errors import NotALog
from gradcheck.model import Role
from gradcheck.readers.base import Candidate
from gradcheck.readers.text_other import READER

LOG = "Namespace(epochs=3, lr=0.5)\n" + "".join(
    f"| epoch 1 | {n * 50}/ 600 batches | lr 0.50 | loss {4 - n / 8} | ppl 20.5\n"
    for n in range(1, 11)
)
README = (
    "# A language model\n\nWe train it for some hours, and then it prints what follows here.\n"
    "The loss goes down, slowly at first and then fast, as one would expect of such a model.\n"
    "Should the loss become NaN, lower the learning rate and start again from the last one.\n\n"
    "```\n" + "".join(LOG.splitlines(keepends=True)[1:6]) + "```\n\n"
    "Install it with pip, and read the notes on how to use several machines at a time.\n"
)


@pytest.mark.parametrize(
    ("name", "head", "claimed"),
    [
        ("notes.md", LOG.encode(), True),
        ("run.log.bak", LOG.encode(), True),
        ("train.py", b"loss = 1\n", True),
        ("README.txt", README.encode(), True),
        ("caf.md", "café\n".encode(), True),
        ("cut.md", "x\né".encode()[:-1], True),
        ("curve.png", b"\x89PNG\r\n\x1a\n\0\0", False),
        ("model.pt", b"PK\x03\x04\x00\x00", False),
        ("old.md", b"caf\xe9 loss 2\n", False),
        ("config.json", b'{"lr": 1}', False),
        ("book.ipynb", b'{\n "cells": []\n}\n', False),
        ("table.md", b"step,loss\n1,2\n2,3\n", False),
        ("empty.md", b"", False),
        ("x.csv", b"loss 2\n", False),
    ],
)
def test_claims(name: str, head: bytes, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), head)) is claimed


@pytest.mark.parametrize("name", ["model_gru.md", "README.md", "train.py", "stdout.1", "run.rst"])
def test_a_log_that_is_named_is_read_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOG)
    (run,) = loading.load(tmp_path / name)
    assert len(run.every(Role.LOSS)[0]) == 10
    assert run.every(Role.LOSS)[0].step.tolist() == list(range(50, 501, 50))


@pytest.mark.parametrize("name", ["model_gru.md", "stdout.1", "run.rst"])
def test_in_a_directory_it_has_to_be_a_log_and_little_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(LOG)
    (run,) = loading.load(tmp_path)
    assert run.path == tmp_path / name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("README.md", LOG),
        ("notes.md", README),
        ("train.py", LOG),
        ("config.yaml", LOG),
        ("notes.md", "no numbers at all, but loss loss loss loss loss\n"),
        ("losses.rst", "".join(f"loss {n} is a function of the loss\n" for n in range(9))),
    ],
)
def test_what_only_quotes_a_log_is_passed_over(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert finding.find([tmp_path]) == finding.Found((), ())


def test_a_named_text_without_a_log_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("We shall meet at 9 and leave at 10.\n")
    (log,) = finding.find([tmp_path / "notes.md"]).logs
    with pytest.raises(NotALog, match="without a series of numbers"):
        READER.read(log.source)


def test_other_readers_keep_their_files(tmp_path: Path) -> None:
    for name in ("a.log", "b.txt", "c.csv", "d.jsonl"):
        (tmp_path / name).write_text('{"step": 1, "loss": 2}\n')
    assert "text_other" not in {log.reader for log in finding.find([tmp_path]).logs}
