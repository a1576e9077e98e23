"""Texts with numbers in them that are no log of a training: `text_near_misses/NAME.txt`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcheck.errors import NotALog
from gradcheck.model import Role
from gradcheck.readers.base import Candidate
from gradcheck.readers.text_log import READER
from tests.readers.text_logs import points, run_of

TEXTS = sorted((Path(__file__).parent / "text_near_misses").glob("*.txt"))
JUDGED = {Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM, Role.LAYER_GRAD_NORM}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_nothing_in_it_is_judged(path: Path) -> None:
    try:
        run = run_of(path.read_bytes())
    except NotALog:
        return
    assert not JUDGED & {series.role for series in run.series}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_before_a_training_it_leaves_hardly_a_trace(path: Path) -> None:
    lines = path.read_bytes().splitlines()
    training = [f"step {i} loss {3 - i / 4}".encode() for i in range(8)]
    run = run_of(b"\n".join([*lines, *training]))
    assert points(run, "loss") == [(len(lines) + 1 + i, i, 3 - i / 4) for i in range(8)]
    assert {series.name for series in run.series if series.role in JUDGED} == {"loss"}


@pytest.mark.parametrize(
    ("name", "head", "claimed"),
    [
        ("train.log", b"step 1 loss 2\n", True),
        ("TRAIN.LOG", b"step 1 loss 2\n", True),
        ("out.txt", b"step 1 loss 2\n", True),
        ("slurm-123.out", b"step 1 loss 2\n", True),
        ("slurm-123_4.err", b"step 1 loss 2\n", True),
        ("job.o123", b"step 1 loss 2\n", True),
        ("job.e123", b"step 1 loss 2\n", True),
        ("train.log.1", b"step 1 loss 2\n", True),
        ("log", b"step 1 loss 2\n", True),
        ("nohup.out", b"step 1 loss 2\n", True),
        ("train.log", b"\x1b[31mstep 1\x1b[0m\r\n", True),
        ("train.log", b"", True),
        ("README.txt", b"step 1 loss 2\n", False),
        ("requirements.txt", b"torch==2.3\n", False),
        ("requirements-dev.txt", b"torch==2.3\n", False),
        ("LICENSE.txt", b"Permission is hereby granted\n", False),
        ("train.py", b"step = 1\n", False),
        ("log.md", b"step 1 loss 2\n", False),
        ("core.o", b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00", False),
        ("train.log", b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00", False),
        ("log.txt", b'{"epoch": 1, "loss": 2}\n{"epoch": 2, "loss": 1}\n', False),
        ("train.log", b"epoch,loss\n0,2.3\n1,2.2\n", False),
    ],
)
def test_claims(name: str, head: bytes, claimed: bool) -> None:
    assert READER.claims(Candidate(Path(name), head)) is claimed
