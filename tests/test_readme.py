"""What the README shows is what a user gets: output, commands, paths and Python examples."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

import gradcheck
from gradcheck.cli import app
from tests import readme

TEXT = readme.README.read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS: Any = typer.main.get_command(app)
PACKAGE = readme.ROOT / "gradcheck"


def fences(language: str) -> list[str]:
    return [body for found, body in FENCE.findall(TEXT) if found == language]


def spans() -> list[str]:
    return re.findall(r"`([^`\n]+)`", FENCE.sub("", TEXT))


def command_lines() -> Iterator[str]:
    """Every command of gradcheck that the README tells a user to type."""
    typed = [line[2:] for text in fences("console") for line in text.splitlines()[:1]]
    typed += [line.strip() for text in fences("yaml") + fences("sh") for line in text.splitlines()]
    for line in [*typed, *spans()]:
        if line.startswith("gradcheck "):
            yield re.split(r" *[|;#]", line)[0]


def mentioned_paths() -> Iterator[str]:
    """Links into the repository, and what looks like a path of it in code."""
    yield from (link for link in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in link)
    top = {path.name for path in readme.ROOT.iterdir()}
    words = [word for line in [*command_lines(), *spans()] for word in line.split()]
    yield from (word for word in words if "/" in word and word.split("/")[0] in top)


def tree() -> str:
    return next(text for text in fences("text") if text.startswith("gradcheck/"))


def test_output_is_up_to_date() -> None:
    assert readme.main(["--check"]) == 0


def test_a_stale_block_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "README.md"
    page.write_text("<!-- generated: gradcheck --version -->\nold\n<!-- end -->\n")
    monkeypatch.setattr(readme, "README", page)
    assert readme.main(["--check"]) == 1
    assert "gradcheck --version" in capsys.readouterr().err
    assert readme.main([]) == 0
    assert f"$ gradcheck --version\ngradcheck {gradcheck.__version__}\n" in page.read_text()
    assert readme.main(["--check"]) == 0


def test_a_block_without_its_end_is_refused() -> None:
    with pytest.raises(ValueError, match="without its end"):
        readme.refreshed("<!-- generated: gradcheck --version -->\n")


def test_a_command_that_fails_is_refused() -> None:
    with pytest.raises(RuntimeError, match="no_such_log"):
        readme.output("gradcheck analyze sample_logs/no_such_log | head -3")


@pytest.mark.parametrize("line", sorted(set(command_lines())))
def test_commands_are_accepted(line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    if name.startswith("--"):
        assert name in {"--help"}.union(*(parameter.opts for parameter in COMMANDS.params))
    elif "--help" in arguments:
        assert name in COMMANDS.commands
    else:
        COMMANDS.commands[name].make_context(name, arguments)


def test_options_exist() -> None:
    parameters = [p for command in COMMANDS.commands.values() for p in command.params]
    known = {option for parameter in parameters for option in parameter.opts}
    plugin = (PACKAGE / "pytest_plugin.py").read_text(encoding="utf-8")
    known |= set(re.findall(r'"(--gradcheck-[a-z-]+)"', plugin))
    named = {span.split()[0] for span in spans() if span.startswith("--")}
    assert named - known == set()


@pytest.mark.parametrize("path", sorted(set(mentioned_paths())))
def test_paths_exist(path: str) -> None:
    assert (readme.ROOT / path).exists()


def test_every_part_of_the_package_is_in_the_picture() -> None:
    parts = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    parts |= {f"{path.parent.name}/" for path in PACKAGE.glob("*/__init__.py")}
    assert {part for part in parts if part not in tree()} == set()


def test_the_picture_shows_nothing_else() -> None:
    for name in re.findall(r"[\w/]+(?:\.py|/(?= ))", "".join(fences("text"))):
        found = list(PACKAGE.glob(f"**/{name}"))
        assert found or name == "gradcheck/", name


def test_python_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(readme.ROOT)
    example = doctest.DocTestParser().get_doctest(
        "\n".join(fences("python")), {}, "README.md", "README.md", 0
    )
    assert example.examples
    told: list[str] = []
    failed, _ = doctest.DocTestRunner().run(example, out=told.append)
    assert not failed, "".join(told)
