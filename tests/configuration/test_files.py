"""Which file the settings come from, and what the command line overrides."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradcheck.configuration import effective, files
from gradcheck.errors import UsageError

OWN = 'fail-on = "spike"\n'
SHARED = '[tool.gradcheck]\nfail-on = "warning"\n'
OTHERS = "[tool.ruff]\nline-length = 100\n"


def put(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    above = put(tmp_path, "gradcheck.toml", OWN)
    put(tmp_path / "a" / "b", "pyproject.toml", OTHERS)
    assert files.find(tmp_path / "a" / "b") == above
    near = put(tmp_path / "a", "pyproject.toml", SHARED)
    assert files.find(tmp_path / "a" / "b") == near


def test_our_own_file_wins_in_one_folder(tmp_path: Path) -> None:
    put(tmp_path, "pyproject.toml", SHARED)
    own = put(tmp_path, "gradcheck.toml", OWN)
    assert files.find(tmp_path) == own


def test_nothing_above_a_repository_counts(tmp_path: Path) -> None:
    put(tmp_path, "gradcheck.toml", OWN)
    inside = tmp_path / "repository"
    (inside / ".git").mkdir(parents=True)
    (inside / "scripts").mkdir()
    assert files.find(inside / "scripts") is None
    put(inside, "gradcheck.toml", OWN)
    assert files.find(inside / "scripts") == inside / "gradcheck.toml"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("gradcheck.toml", "", "sets nothing"),
        ("gradcheck.toml", "# a comment\n", "sets nothing"),
        ("pyproject.toml", "[tool.gradcheck]\n", "[tool.gradcheck] sets nothing"),
        ("pyproject.toml", "tool.gradcheck = 3\n", "[tool.gradcheck] sets nothing"),
        ("pyproject.toml", OTHERS, "has no [tool.gradcheck]"),
        ("gradcheck.toml", "fail-on = \n", "is not TOML: Invalid value (at line 1"),
        ("gradcheck.toml", "fail-on spike\n", "is not TOML: "),
        ("gradcheck.toml", "x = " + "[" * 100_000, "is not TOML"),
    ],
)
def test_a_file_that_says_nothing_is_refused(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    with pytest.raises(UsageError, match=name) as caught:
        effective.settings(put(tmp_path, name, text))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "gradcheck.toml").write_bytes(b"fail-on = '\xff'")
    with pytest.raises(UsageError, match="byte 11 is not UTF-8"):
        effective.settings(tmp_path / "gradcheck.toml")


def test_a_byte_order_mark_and_carriage_returns_are_read(tmp_path: Path) -> None:
    (tmp_path / "gradcheck.toml").write_bytes(b"\xef\xbb\xbffail-on = 'spike'\r\nloss = 'a'\r\n")
    assert effective.settings(tmp_path / "gradcheck.toml").fail_on == "spike"


def test_the_command_line_wins_and_says_so(tmp_path: Path) -> None:
    file = put(tmp_path, "gradcheck.toml", OWN + 'loss = "a"\nbaseline = ["good", "/abs"]\n')
    settings = effective.settings(file, fail_on="never", roles={"grad-norm": "g"})
    assert settings.fail_on == "never"
    assert settings.roles == {"loss": "a", "grad-norm": "g"}
    assert settings.baselines == (str(tmp_path / "good"), "/abs")
    origins = {one.key: one.origin for one in effective.listing(settings)}
    assert origins["fail-on"] == origins["grad-norm"] == "command line"
    assert origins["loss"] == origins["baseline"] == str(file)
    assert origins["learning-rate"] == "default"
    assert effective.settings(file, baselines=["other"]).baselines == ("other",)


def test_a_folder_named_as_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gradcheck.toml").mkdir()
    assert files.find(tmp_path) == tmp_path / "gradcheck.toml"
    with pytest.raises(UsageError, match="cannot be read"):
        files.parse(tmp_path / "gradcheck.toml")
