"""What lies beside a record, from a stranger: it never raises, and is never shown unescaped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcheck import diagnosis, formats, terminal
from gradcheck.model import Observation, Run, RunReport, Where
from gradcheck.readers.watch_observations import FILE, with_observations
from gradcheck.watch.record import Record

ODD = "\x1b]0;owned\x07\x1b[2J[bold]x[/bold]<script>alert(1)</script>\n\r\u202e\x9b31m"
LIMIT = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(name="plain")
def _plain(tmp_path: Path) -> Run:
    """A run without anything beside it."""
    record = Record(tmp_path / "run")
    for step in range(30):
        record.row(step, {"loss": 1.0 if step < 20 else float("nan"), "grad_norm": 1.0})
    record.close()
    return analyzed(tmp_path / "run").run


def analyzed(folder: Path) -> RunReport:
    (found,) = diagnosis.analyze(folder).runs
    return found


def read(run: Run, folder: Path, content: bytes) -> Run:
    (folder / FILE).write_bytes(content)
    return with_observations(run, folder)


@given(content=st.binary(max_size=400))
@LIMIT
def test_any_bytes(plain: Run, tmp_path: Path, content: bytes) -> None:
    assert isinstance(read(plain, tmp_path, content), Run)


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([10**400, -1, "nan", ODD, "log_of_zero_ran", "weight_nonfinite", "nan"])
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = ("key", "statement", "step", "strength", "values", "where", "said", "text", "note")
PLACES = ("phase", "module", "op", "file", "line", "samples", "rank")


@given(
    entries=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(KEYS, JSON),
                "key": st.sampled_from(["log_of_zero_ran", "gradients_kept"]) | JSON,
                "statement": st.just("it did") | JSON,
                "where": JSON | st.fixed_dictionaries(
                    {"phase": st.just("loss") | JSON}, optional=dict.fromkeys(PLACES[1:], JSON)
                ),
            },
        ),
        max_size=4,
    )
)  # fmt: skip
@LIMIT
def test_any_json(plain: Run, tmp_path: Path, entries: list[object]) -> None:
    content = "\n".join(json.dumps(entry) for entry in entries).encode()
    run = read(plain, tmp_path, content)
    for seen in run.observations:
        assert isinstance(seen, Observation)
        assert 0.0 <= seen.strength <= 1.0
        assert seen.step is None or isinstance(seen.step, int)
        assert seen.where is None or isinstance(seen.where, Where)


def test_what_is_read_is_what_was_written(plain: Run, tmp_path: Path) -> None:
    record = Record(tmp_path / "other")
    where = Where("loss", "net.0", "aten::log", "train.py", 4, (1, 2))
    written = [
        Observation("log_of_zero_ran", "it took the log of 0", 3, 0.5, {"a": 2.0}, where),
        Observation("gradients_kept", "they were kept", None),
        Observation("odd", "values that JSON cannot hold", 1, 1.0, {"b": float("nan"), "c": 1.0}),
    ]
    for one in written:
        record.observe(one)
    record.note("a note")
    record.close()
    found = with_observations(plain, tmp_path / "other")
    assert found.observations[:2] == tuple(written[:2])
    assert found.observations[2].values == {"c": 1.0}
    assert "a note" in found.notes


@pytest.mark.parametrize("name", [n for n in formats.names() if n not in ("json", "sarif")])
def test_hostile_names_are_escaped(plain: Run, tmp_path: Path, name: str) -> None:
    where = {"phase": ODD, "module": ODD, "op": ODD, "file": ODD, "line": 3, "samples": [1]}
    entries: list[dict[str, object]] = [
        {"key": "log_of_zero_ran", "statement": ODD, "step": 20, "where": where},
        {"key": ODD, "statement": ODD},
        {"said": "exception", "text": ODD},
        {"note": ODD},
    ]
    folder = Path(plain.path)
    folder = folder if folder.is_dir() else folder.parent
    (folder / FILE).write_text("\n".join(map(json.dumps, entries)), "utf-8")
    text = formats.choose(name, None).render(diagnosis.analyze(folder), terminal.canvas(None))
    for bad in ("\x1b", "\x07", "\u202e", "\x9b", "\r"):
        assert bad not in text
    if name in ("html", "markdown"):
        assert "<script>alert(1)" not in text


def test_a_file_that_is_far_too_large(plain: Run, tmp_path: Path) -> None:
    line = json.dumps({"key": "gradients_kept", "statement": "x" * 1000}).encode() + b"\n"
    assert read(plain, tmp_path, line * 1500).observations == ()


def test_a_directory_in_its_place(plain: Run, tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert with_observations(plain, tmp_path) == plain


def test_deep_nesting(plain: Run, tmp_path: Path) -> None:
    assert read(plain, tmp_path, b"[" * 100_000).observations == ()
    deep = b'{"key": "gradients_kept", "statement": "s", "values": ' + b'{"a":' * 5000
    assert isinstance(read(plain, tmp_path, deep + b"1" + b"}" * 5001), Run)
