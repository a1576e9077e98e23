"""The diagnosis in TensorBoard: its own code shows the text, and our reader does not take it in."""

from __future__ import annotations

import dataclasses
import fnmatch
import shutil
import warnings
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gradcheck import diagnosis, tensorboard_summary
from gradcheck.errors import UsageError
from gradcheck.model import Report
from gradcheck.readers.tensorboard import SUMMARY
from gradcheck.reports.base import Canvas
from gradcheck.reports.json import RENDERER
from tests.reports.made import hostile
from tests.samples import LOGS
from tests.test_cli import gradcheck_, one_line, write_run

FAILING = LOGS / "unstable_loss" / "duplicate_pair"
HEALTHY = LOGS / "healthy" / "gan"


@pytest.fixture(name="run")
def _run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FAILING, tmp_path / "run"))


def shown(directory: Path) -> tuple[int, str]:
    """The step and the text that TensorBoard has under our tag."""
    events = EventAccumulator(str(directory))
    events.Reload()
    assert events.SummaryMetadata("gradcheck").plugin_data.plugin_name == "text"
    (tensor,) = events.Tensors("gradcheck")
    return tensor.step, tensor.tensor_proto.string_val[0].decode()


def as_html(text: str) -> str:
    """What TensorBoard makes of it in a browser."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own copy of html5lib
        from tensorboard import plugin_util

        return str(plugin_util.markdown_to_safe_html(text))


def summaries(directory: Path) -> list[Path]:
    return sorted(directory.rglob(f"*{SUMMARY}"))


def as_json(path: Path) -> str:
    return RENDERER.render(diagnosis.analyze(path), Canvas())


def test_tensorboard_shows_it_beside_the_scalars(run: Path) -> None:
    ran = gradcheck_("analyze", run, "--tensorboard")
    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.startswith("failed  NaN gradient from step 203 on")
    assert ran.stderr == ("gradcheck: 1 run with a summary under gradcheck in TensorBoard's text\n")
    step, text = shown(run)
    assert step == 259
    html = as_html(text)
    assert "<h3>gradcheck: failed</h3>" in html
    assert "&lt;details" not in html
    assert html.count("<pre>") == html.count("</pre>") >= 3
    events = EventAccumulator(str(run))
    events.Reload()
    assert len(events.Scalars("contrastive_loss")) == 260


def test_it_is_the_last_file_by_name_and_replaces_its_own_former(run: Path) -> None:
    (run / "events.out.tfevents.9000000000.host").write_bytes(b"")
    for _ in range(2):
        tensorboard_summary.add(diagnosis.analyze(run))
        assert len(summaries(run)) == 1
        assert max(run.iterdir()) == summaries(run)[0]
    assert not list(run.glob("*.tmp")) and not list(run.glob(".*"))


def test_the_reader_takes_nothing_in(run: Path) -> None:
    before = as_json(run)
    tensorboard_summary.add(diagnosis.analyze(run))
    assert as_json(run) == before
    ran = gradcheck_("analyze", summaries(run)[0])
    assert ran.returncode == 3
    assert "not a log that gradcheck knows" in ran.stderr


def test_a_run_of_several_directories_stays_one(tmp_path: Path) -> None:
    for part in ("train", "validation"):
        shutil.copytree(FAILING, tmp_path / "run" / part)
    before = as_json(tmp_path / "run")
    tensorboard_summary.add(diagnosis.analyze(tmp_path / "run"))
    assert [file.parent for file in summaries(tmp_path)] == [tmp_path / "run"]
    assert as_json(tmp_path / "run") == before


def test_a_healthy_run_has_one_as_well(tmp_path: Path) -> None:
    run = Path(shutil.copytree(HEALTHY, tmp_path / "run"))
    assert gradcheck_("analyze", run, "--tensorboard").returncode == 0
    assert shown(run)[1].startswith("### gradcheck: healthy")


def test_hostile_names_stay_text(run: Path) -> None:
    report = hostile()
    report = dataclasses.replace(
        report, run=dataclasses.replace(report.run, path=run, format="tensorboard")
    )
    tensorboard_summary.add(Report((report,)))
    html = as_html(shown(run)[1])
    assert not any(f"<{tag}" in html for tag in ("a", "img", "script", "iframe"))
    assert "alert(1)" in html


def test_other_runs_are_told_and_the_exit_code_stays(run: Path, tmp_path: Path) -> None:
    table = write_run(tmp_path / "table" / "metrics.csv")
    ran = gradcheck_("analyze", run, table, "--tensorboard", "--fail-on", "never")
    assert ran.returncode == 0
    told, written = ran.stderr.splitlines()
    assert told.endswith("no summary for TensorBoard: it is no TensorBoard run, but csv")
    assert written.startswith("gradcheck: 1 run with a summary")
    assert summaries(table.parent) == []


def test_if_none_can_have_one_that_is_wrong_usage(tmp_path: Path) -> None:
    table = write_run(tmp_path / "table" / "metrics.csv", broken_from=312)
    ran = gradcheck_("analyze", table, "--tensorboard")
    assert ran.returncode == 2
    assert ran.stdout.startswith("failed")
    assert ran.stderr.splitlines()[-1] == (
        "gradcheck: --tensorboard: none of the runs could be given a summary"
    )
    assert gradcheck_("analyze", tmp_path / "table" / "gone", "--tensorboard").returncode == 2
    (tmp_path / "empty").mkdir()
    nothing = gradcheck_("analyze", tmp_path / "empty", "--tensorboard")
    assert nothing.returncode == 3
    assert one_line(nothing.stderr)


def test_what_cannot_be_written_is_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(self: Path, data: bytes) -> int:
        raise PermissionError(13, "Permission denied")

    report = diagnosis.analyze(run)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(UsageError):
        tensorboard_summary.add(report)
    assert capsys.readouterr().err.endswith("cannot write there: Permission denied\n")
    assert summaries(run) == []


def test_watching_again_into_a_directory_takes_it_away() -> None:
    """The record that it told of is replaced, so `watch` removes all files of this name."""
    assert fnmatch.fnmatch(f"events.out.tfevents.1{SUMMARY}", "events.out.tfevents.*.gradcheck")
