"""The user's own line, and the expression on it."""

from __future__ import annotations

import json
import linecache
import os
import sys
from pathlib import Path

import pytest

from gradcheck.watch import frames
from gradcheck.watch.frames import Line


def test_whose_file_it_is(tmp_path: Path) -> None:
    assert frames.is_users(str(tmp_path / "train.py"))
    assert frames.is_users("train.py")
    assert not frames.is_users(os.__file__)
    assert not frames.is_users(pytest.__file__)
    assert not frames.is_users(frames.__file__)
    assert not frames.is_users("<string>")
    assert not frames.is_users("<frozen runpy>")


def nested() -> Line | None:
    return frames.here()


def test_the_innermost_line_is_meant() -> None:
    found = nested()
    assert found is not None
    assert found.file == __file__
    assert linecache.getline(found.file, found.line).strip() == "return frames.here()"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python does not know the columns")
def test_the_expression() -> None:
    found = (1, frames.here())[1]
    assert found is not None
    assert found.expression == "frames.here()"


def test_a_library_between() -> None:
    """Called back by the standard library, the line is the user's own."""
    found = json.loads("{}", object_hook=lambda _: frames.here())
    assert found is not None
    assert found.file == __file__


def run(source: str, folder: Path, **names: object) -> dict[str, object]:
    file = folder / "train.py"
    file.write_text(source, "utf-8")
    space: dict[str, object] = {"frames": frames, **names}
    exec(compile(source, str(file), "exec"), space)
    return space


def test_letters_that_are_no_ascii(tmp_path: Path) -> None:
    found = run("größe = 'ä'; x = ('ü', frames.here())[1]\n", tmp_path)["x"]
    assert isinstance(found, Line)
    assert found.expression == "frames.here()" or sys.version_info < (3, 11)


def test_an_expression_of_several_lines(tmp_path: Path) -> None:
    found = run("x = frames.here(\n)\n", tmp_path)["x"]
    assert found == Line(str(tmp_path / "train.py"), 1, "x = frames.here(")


def test_a_very_long_line(tmp_path: Path) -> None:
    found = run(f"x = frames.here(); y = '{'a' * 500}'\n", tmp_path)["x"]
    assert isinstance(found, Line)
    assert len(found.expression) <= 160


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    code = compile("x = frames.here()\n", str(tmp_path / "gone.py"), "exec")
    space: dict[str, object] = {"frames": frames}
    exec(code, space)
    found = space["x"]
    assert isinstance(found, Line)
    assert (found.line, found.expression) == (1, "")


def test_the_last_line_of_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        run("import json\ndef load():\n    return json.loads('{')\n\nload()\n", tmp_path)
    found = frames.innermost(caught.value.__traceback__)
    assert found == Line(str(tmp_path / "train.py"), 3, "return json.loads('{')")
    assert frames.innermost(None) is None


TRACEBACK = [
    '  File "/home/me/train.py", line 12, in <module>\n    loss = step(x)\n',
    '  File "/home/me/my model.py", line 7, in step\n    return torch.sqrt(x)\n           ^^^\n',
    f'  File "{os.__file__}", line 3, in inner\n    pass\n',
]


def test_a_traceback_as_text() -> None:
    found = frames.of_traceback(TRACEBACK)
    assert found == Line("/home/me/my model.py", 7, "return torch.sqrt(x)")


@pytest.mark.parametrize(
    "lines", [[], ["nonsense"], ['File "x.py", line many, in f'], [TRACEBACK[2]], ["", '""""']]
)
def test_a_traceback_that_says_nothing(lines: list[str]) -> None:
    assert frames.of_traceback(lines) is None


NAMED = {
    "d_loss.backward()": "d_loss",
    "scaler.scale(loss_of_g).backward()": "loss_of_g",
    "(a_loss + b).backward(retain_graph=True)": "a_loss",
    "self.backward(err_d)": "err_d",
    "x.sum().backward()": None,
    "total.backward()": None,
}


class Loss:
    """Anything: its `backward` asks for the name."""

    def __init__(self, told: list[str | None]) -> None:
        self._told = told

    def backward(self, *args: object, **kwargs: object) -> None:
        self._told.append(ask())

    def __getattr__(self, name: str) -> Loss:
        return self

    def __call__(self, *args: object) -> Loss:
        return self

    def __add__(self, other: object) -> Loss:
        return self


def ask() -> str | None:
    """The name of the loss, asked for by a library that the user's line has called."""
    return frames.name_of_loss()


@pytest.mark.parametrize("source", NAMED)
def test_the_name_of_a_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setattr(frames, "is_users", lambda file: file.startswith(str(tmp_path)))
    told: list[str | None] = []
    names = ("d_loss", "scaler", "loss_of_g", "a_loss", "b", "self", "err_d", "x", "total")
    run(f"{source}\n", tmp_path, **dict.fromkeys(names, Loss(told)))
    assert told == [NAMED[source]]
