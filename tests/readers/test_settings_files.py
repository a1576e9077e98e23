"""Settings that lie beside a log reach the run; rubbish beside it does no harm."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gradcheck
from gradcheck.readers.settings_files import settings_beside

LOG = "step,loss\n" + "".join(f"{i},{1.0 / (i + 1)}\n" for i in range(20))


def test_lightning_and_hydra_and_json(tmp_path: Path) -> None:
    (tmp_path / "hparams.yaml").write_text("learning_rate: 0.01\noptim:\n  betas: [0.9, 0.95]\n")
    (tmp_path / "config.json").write_text(json.dumps({"optim": {"eps": 1e-8}, "fp16": True}))
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("trainer:\n  gradient_clip_val: 1.0\n")
    assert settings_beside(tmp_path) == {
        "learning_rate": 0.01,
        "optim.eps": 1e-8,
        "fp16": True,
        "trainer.gradient_clip_val": 1.0,
    }


def test_they_reach_the_run_and_what_the_log_says_wins(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "args.yaml").write_text("lr0: 0.02\n")
    (run,) = gradcheck.load(tmp_path)
    assert run.hparams == {"lr0": 0.02}


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch pwned']",
        "- a\n- list",
        "{" * 5000,
        "a: &a [1]\nb: [*a, *a]\n",
        "just words",
        "\x00\x01",
    ],
)
def test_rubbish_is_passed_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.csv").write_text(LOG)
    for name in ("hparams.yaml", "config.json"):
        (tmp_path / name).write_text(text)
    (run,) = gradcheck.load(tmp_path)
    assert not (tmp_path / "pwned").exists()
    assert run.hparams == {}


def test_a_nest_of_aliases_stays_small(tmp_path: Path) -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{i}: &a{i} {{p: *a{i - 1}, q: *a{i - 1}, r: *a{i - 1}}}" for i in range(1, 30)]
    (tmp_path / "hparams.yaml").write_text("\n".join(lines))
    assert len(settings_beside(tmp_path)) <= 1000


@given(st.binary(max_size=200))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "hparams.yaml").write_bytes(data)
    (folder / "config.json").write_bytes(data)
    settings_beside(folder)
