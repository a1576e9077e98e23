"""Errors that end a run, and errors that do not."""

from __future__ import annotations

import dataclasses

import pytest

from gradcheck.detectors.crash import detect
from gradcheck.model import Message, Run, Said
from tests.synthetic import decay, run_of

ROWS = 100
END = ROWS + 5


def run(*messages: Message) -> Run:
    return dataclasses.replace(run_of({"loss": decay(ROWS)}), messages=messages)


def test_nothing_said() -> None:
    assert list(detect(run())) == []


@pytest.mark.parametrize("said", Said)
def test_a_run_that_went_on_did_not_crash(said: Said) -> None:
    assert list(detect(run(Message(said, 50, "an error")))) == []


@pytest.mark.parametrize(
    ("said", "severity"),
    [
        (Said.NONFINITE, "failure"),
        (Said.INDEX_OUT_OF_RANGE, "failure"),
        (Said.DEVICE_ASSERT, "failure"),
        (Said.OUT_OF_MEMORY, "warning"),
        (Said.COMMUNICATION, "warning"),
        (Said.KILLED, "warning"),
        (Said.EXCEPTION, "warning"),
    ],
)
def test_the_last_thing_said(said: Said, severity: str) -> None:
    (event,) = detect(run(Message(said, END, "an error")))
    assert (event.severity.value, event.step, event.order, event.text) == (
        severity, ROWS - 1, END, "an error",
    )  # fmt: skip


def test_the_fault_comes_before_what_follows_from_it() -> None:
    messages = (
        Message(Said.KILLED, END, "Killed"),
        Message(Said.INDEX_OUT_OF_RANGE, END + 1, "IndexError"),
        Message(Said.COMMUNICATION, END + 2, "NCCL timeout"),
    )
    (event,) = detect(run(*messages))
    assert event.text == "IndexError"


def test_a_log_without_points() -> None:
    silent = dataclasses.replace(run_of({}), messages=(Message(Said.EXCEPTION, 3, "KeyError: 1"),))
    (event,) = detect(silent)
    assert (event.step, event.order) == (None, 3)
