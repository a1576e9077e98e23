"""What `--replay` takes, wherever it stands, and what it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import gradcheck.cli
from gradcheck.errors import UsageError
from gradcheck.watch import command
from gradcheck.watch.manner import Manner
from gradcheck.watch.replay import wanted
from gradcheck.watch.replay.wanted import Wanted

READ = {
    "": Wanted(),
    "auto": Wanted(),
    "all": Wanted(everything=True),
    "none": Wanted(wanted=False),
    "fork": Wanted(method="fork"),
    "all,rollback": Wanted(everything=True, method="rollback"),
    " rerun , all ": Wanted(everything=True, method="rerun"),
}


@pytest.mark.parametrize("text", sorted(READ))
def test_words(text: str) -> None:
    assert wanted.read(text) == READ[text]


@pytest.mark.parametrize("text", ["always", "all,never", "fork,rollback", "\x1b[2J"])
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="choose"):
        wanted.read(text)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("all", True), ("fork,all", True), ("train.py", False), ("", False), ("all.py", False),
     ("-m", False), ("all,train.py", False)],
)  # fmt: skip
def test_a_value_is_no_script(text: str, is_one: bool) -> None:
    assert wanted.is_value(text) is is_one


@pytest.mark.parametrize(
    ("method", "refused", "in_place"),
    [(None, None, False), (None, "a GPU", True), ("fork", "a GPU", False), ("rollback", None, True),
     ("rerun", "a GPU", False)],
)  # fmt: skip
def test_the_way_back(method: str | None, refused: str | None, in_place: bool) -> None:
    assert Wanted(method=method).goes_back_in_place(refused) is in_place
    assert not Wanted(wanted=False, method=method).goes_back_in_place(refused)


class Called(Exception):
    """What the command was called with."""


PARSED: list[tuple[list[str], str, list[str], bool, Wanted]] = [
    (["train.py", "--replay"], "train.py", ["--replay"], False, Wanted()),
    (["--replay", "train.py", "all"], "train.py", ["all"], False, Wanted()),
    (["--replay", "all", "train.py", "-x"], "train.py", ["-x"], False, Wanted(everything=True)),
    (["--replay=rollback", "train.py"], "train.py", [], False, Wanted(method="rollback")),
    (["--no-replay", "train.py"], "train.py", [], False, Wanted(wanted=False)),
    (["--replay", "none", "train.py"], "train.py", [], False, Wanted(wanted=False)),
    (["--replay", "-m", "a.b", "--replay"], "a.b", ["--replay"], True, Wanted()),
    (["--replay", "all", "-m", "a.b", "x"], "a.b", ["x"], True, Wanted(everything=True)),
    (["--replay", "--keep-going", "train.py"], "train.py", [], False, Wanted()),
    (["--replay", "--", "train.py", "-m"], "train.py", ["-m"], False, Wanted()),
    (["--record", "--replay", "all"], "all", [], False, Wanted()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "name", "arguments", "is_module", "expected"),
    PARSED,
    ids=[" ".join(one[0]) for one in PARSED],
)
def test_it_may_stand_alone(
    monkeypatch: pytest.MonkeyPatch,
    given: list[str],
    name: str,
    arguments: list[str],
    is_module: bool,
    expected: Wanted,
) -> None:
    seen: list[Any] = []

    def run(target: Any, directory: Path | None, manner: Manner, settings: Any) -> Any:
        seen.append((target.name, list(target.arguments), target.is_module, manner.replay))
        raise Called

    monkeypatch.setattr(command, "run", run)
    found = CliRunner().invoke(gradcheck.cli.app, ["watch", *given])
    assert isinstance(found.exception, Called), found.output
    assert seen == [(name, arguments, is_module, expected)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--heal", "--no-replay", "train.py"], "--heal needs replays"),
        (["--heal", "--replay", "none", "train.py"], "--heal needs replays"),
        (["--replay=never", "train.py"], "choose among"),
        (["--replay", "fork,rollback", "train.py"], "choose one of"),
        (["--replay"], "needs a script"),
    ],
)
def test_what_does_not_go_together(given: list[str], said: str) -> None:
    found = CliRunner().invoke(gradcheck.cli.app, ["watch", *given])
    error = found.exception
    assert isinstance(error, UsageError)
    assert said in str(error)
    assert error.exit_code == 2
