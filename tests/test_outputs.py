"""Formats and outputs of the command in a real process: what is written where, and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.test_cli import gradcheck_, one_line, write_run

HOSTILE = "a%0A,b::error::c\n::warning::d <b>"
SCRIPT = """
import torch
model = torch.nn.Linear(2, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for step in range(6):
    optimizer.zero_grad()
    x = torch.full((4, 2), float("nan") if step == 4 else 1.0)
    model(x).square().mean().backward()
    optimizer.step()
print("done")
"""


@pytest.fixture(name="failing")
def _failing(tmp_path: Path) -> Path:
    return write_run(tmp_path / "failing" / "metrics.csv", broken_from=312)


@pytest.fixture(name="fine")
def _fine(tmp_path: Path) -> Path:
    return write_run(tmp_path / "fine" / "metrics.csv")


def starts_well(name: str, text: str) -> bool:
    if name == "junit":
        return ElementTree.fromstring(text.encode()).tag == "testsuites"
    if name == "sarif":
        return str(json.loads(text)["version"]) == "2.1.0"
    return text.startswith({"github": "::error file=", "markdown": "### gradcheck: failed"}[name])


@pytest.mark.parametrize("name", ["github", "junit", "markdown", "sarif"])
def test_each_format_on_stdout(failing: Path, name: str) -> None:
    ran = gradcheck_("analyze", failing, "--format", name)
    assert ran.returncode == 1, ran.stderr
    assert starts_well(name, ran.stdout)
    assert ran.stderr == ""


@pytest.mark.parametrize("name", ["github", "junit", "markdown", "sarif"])
def test_each_format_of_each_ending(failing: Path, fine: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, code in (
        ([fine], 0),
        ([failing, "--fail-on", "never"], 0),
        ([fine, tmp_path / "gone"], 2),
        ([tmp_path / "empty"], 3),
    ):
        ran = gradcheck_("analyze", *arguments, "--format", name)
        assert ran.returncode == code, (arguments, ran.stderr)
        assert "Traceback" not in ran.stderr
        assert ran.stdout


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("r.xml", "junit"),
        ("r.sarif", "sarif"),
        ("r.sarif.json", "sarif"),
        ("R.MD", "markdown"),
    ],
)
def test_the_suffix_picks_the_format(failing: Path, tmp_path: Path, file: str, name: str) -> None:
    ran = gradcheck_("analyze", failing, "--output", tmp_path / file)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert starts_well(name, (tmp_path / file).read_text(encoding="utf-8"))


def test_several_outputs_at_once(failing: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("r.xml", "r.sarif", "r.json", "r.txt")]
    ran = gradcheck_("analyze", failing, *(part for file in files for part in ("-o", file)))
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")
    assert all(file.stat().st_size > 100 for file in files)
    shown = gradcheck_("analyze", failing, "-o", files[0], "-o", "-")
    assert shown.stdout.startswith("failed  NaN loss")
    both = gradcheck_("analyze", failing, "-o", files[0], "-o", files[1], "--format", "github")
    assert both.stdout.startswith("::error file=")
    assert json.loads(files[1].read_text())["runs"][0]["invocations"][0]["exitCode"] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("-o", "r.xml", "-o", "r.docx"),
        ("-o", "r.xml", "-o", "gone/r.json"),
        ("-o", "r.xml", "-o", "r.xml"),
        ("-o", "-", "-o", "-"),
        ("-o", "r.xml", "-o", "r.json", "--format", "yaml"),
        ("-o", "r.xml", "-o", "."),
        ("-o", "fine/metrics.csv/r.xml",),
    ],
)  # fmt: skip
def test_one_bad_output_stops_it_before_any_work(
    fine: Path, arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(fine.parent.parent)
    ran = gradcheck_("analyze", fine, *arguments)
    assert ran.returncode == 2
    assert one_line(ran.stderr), ran.stderr
    assert not Path("r.xml").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device here")
def test_a_disk_that_is_full_costs_only_its_own_output(fine: Path, tmp_path: Path) -> None:
    full, kept = tmp_path / "full.xml", tmp_path / "kept.json"
    full.symlink_to("/dev/full")
    ran = gradcheck_("analyze", fine, "-o", full, "-o", kept)
    assert ran.returncode == 2
    assert one_line(ran.stderr)
    assert json.loads(kept.read_text())["schema_version"] == 1


def test_annotations_survive_hostile_names(tmp_path: Path) -> None:
    name = HOSTILE.replace("\n", " ").replace(",", ";")
    file = write_run(tmp_path / "a,b%0A::error::c:d" / "metrics.csv", broken_from=312)
    text = file.read_text().replace("train/loss", f'"{name}/train/loss"')
    file.write_text(text)
    ran = gradcheck_("analyze", file, "--format", "github")
    assert ran.returncode == 1
    first, last = ran.stdout.splitlines()
    assert first.startswith("::error file=")
    assert "a%2Cb%250A%3A%3Aerror%3A%3Ac%3Ad/metrics.csv" in first.partition("::")[2]
    assert last == "gradcheck: 1 failed, of 1 run"


def test_the_job_summary(failing: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    ran = gradcheck_("analyze", failing, "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert ran.returncode == 1
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("before\n### gradcheck: failed")
    gradcheck_("analyze", failing, "--format", "text", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text(encoding="utf-8") == text


def test_a_full_job_summary_is_cut(failing: Path, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"
    summary.write_bytes(b"x" * ((1 << 20) - 1000))
    gradcheck_("analyze", failing, "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert (1 << 20) - 1000 < summary.stat().st_size <= 1 << 20
    assert summary.read_text(encoding="utf-8").endswith("did not fit into this summary._\n")
    summary.write_bytes(b"x" * (1 << 20))
    gradcheck_("analyze", failing, "--format", "github", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.stat().st_size == 1 << 20


def test_a_job_summary_that_cannot_be_written_is_one_line(failing: Path, tmp_path: Path) -> None:
    ran = gradcheck_("analyze", failing, "--format", "github", GITHUB_STEP_SUMMARY=str(tmp_path))
    assert ran.returncode == 1
    assert one_line(ran.stderr)


def test_watch_writes_several_outputs_where_it_was_started(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(f"import os\nos.makedirs('x')\nos.chdir('x')\n{SCRIPT}")
    project = str(Path(__file__).parents[1])
    options = ["-o", "r.xml", "-o", "r.sarif", "--format", "github"]
    ran = subprocess.run(
        [sys.executable, "-m", "gradcheck", "watch", *options, "train.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": project, "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 1, ran.stderr
    assert starts_well("junit", (tmp_path / "r.xml").read_text(encoding="utf-8"))
    run = json.loads((tmp_path / "r.sarif").read_text())["runs"][0]
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert "::error file=" in ran.stderr
    assert ran.stdout == ""
