"""The files of the page: the plotting library as its makers published it, and ours in ASCII."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

import pytest

PUBLISHED = {
    "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
}
ASSETS = files("gradcheck.reports").joinpath("html_assets")
OURS = sorted(one.name for one in ASSETS.iterdir() if one.is_file())


def asset(name: str) -> Traversable:
    return ASSETS.joinpath(name)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_the_library_is_unchanged(name: str) -> None:
    content = asset(f"uplot/{name}").read_bytes()
    assert hashlib.sha256(content).hexdigest() == PUBLISHED[name]


@pytest.mark.parametrize("name", OURS)
def test_our_files_are_in_ascii(name: str) -> None:
    assert asset(name).read_bytes().isascii()


@pytest.mark.parametrize("name", [name for name in OURS if name.endswith(".js")])
def test_scripts_make_no_markup(name: str) -> None:
    source = asset(name).read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert way not in source
