"""From a run to its report: attempts, sorting, notes, JSON and the Python interface."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import jsonschema
import numpy as np
import pandas as pd
import pytest

import gradcheck
from gradcheck.errors import NothingToJudge, UsageError
from gradcheck.model import HEALTHY, INCONCLUSIVE, Report, Role, RunReport, Severity, Unread
from gradcheck.reports.base import Canvas
from gradcheck.reports.json import RENDERER, schema
from tests.synthetic import (
    Column,
    constant,
    decay,
    diagnosed,
    grow,
    norms,
    put,
    run_of,
    scale,
    told,
    warm_up,
    write_csv,
    write_events,
)

ROWS = 300
NAN = np.nan
FAILING = {"loss": put(decay(ROWS), slice(200, None), NAN), "grad_norm": norms(ROWS)}
EXPLODING = {"loss": grow(decay(ROWS), 270, 1.4), "grad_norm": grow(norms(ROWS), 270, 1.4)}
SPIKING = {"loss": decay(ROWS), "grad_norm": scale(norms(ROWS), 200, 50.0)}
HOSTILE = [
    'loss"\\',
    "loss\x1b[31m",
    "[bold]loss[/bold]",
    "loss\u202e\u0000x",
    "=loss()",
    "ロス loss",
]

T = TypeVar("T")


def twice(first: Column, second: Column) -> tuple[dict[str, Column], np.ndarray]:
    """Two attempts in one log, whose step starts over."""
    steps = np.concatenate([np.arange(len(first)), np.arange(len(second))])
    return {"loss": np.concatenate([first, second])}, steps


class TestAttempts:
    """Several attempts in one log: the worst is told, and all events are."""

    def test_two_healthy_ones_are_healthy(self) -> None:
        report = diagnosed(run_of(*twice(decay(ROWS), decay(200, seed=9))))
        assert (report.verdict, report.events) == (HEALTHY, ())
        assert "2 attempts" in report.notes[-1]

    @pytest.mark.parametrize("number", [1, 2])
    def test_the_worst_is_told(self, number: int) -> None:
        bad, good = put(decay(ROWS), slice(200, None), NAN), decay(ROWS, seed=9)
        report = diagnosed(run_of(*(twice(bad, good) if number == 1 else twice(good, bad))))
        assert report.severity is Severity.FAILURE
        assert report.first_bad_step == 200
        assert f"number {number}" in report.notes[-1]

    def test_the_drop_to_a_new_start_is_no_event(self) -> None:
        report = diagnosed(run_of(*twice(decay(ROWS, end=0.01), decay(ROWS, seed=9))))
        assert told(report.events) == []

    def test_the_report_keeps_the_whole_run(self) -> None:
        run = run_of(*twice(decay(ROWS), decay(200)))
        assert diagnosed(run).run is run

    def test_three_of_which_two_fail(self) -> None:
        bad = put(decay(100), slice(50, None), NAN)
        columns, steps = twice(bad, decay(100))
        columns = {"loss": np.concatenate([columns["loss"], bad])}
        report = diagnosed(run_of(columns, np.concatenate([steps, np.arange(100)])))
        assert [event.step for event in report.events] == [50, 50]
        assert "3 attempts" in report.notes[-1]

    def test_a_single_attempt_says_nothing_of_it(self) -> None:
        assert diagnosed({"loss": decay(ROWS)}).notes == ()


class TestReport:
    """What a report holds, and in which order."""

    def test_the_worst_run_comes_first(self, tmp_path: Path) -> None:
        runs = {
            "a_fine": {"loss": decay(ROWS)},
            "b_spike": SPIKING,
            "c_nan": FAILING,
            "d_up": EXPLODING,
        }
        for name, columns in runs.items():
            write_csv(tmp_path / name / "log.csv", columns)
        report = gradcheck.analyze(tmp_path)
        severities = [run.severity.rank if run.severity else -1 for run in report.runs]
        assert len(report.runs) == 4
        assert severities[:2] == [Severity.FAILURE.rank] * 2
        assert Severity.FAILURE.rank not in severities[2:]
        assert report.runs[-1].verdict == HEALTHY
        assert [len(report.at_least(s)) for s in (Severity.FAILURE, Severity.SPIKE)] == [2, 3]

    def test_a_decided_failure_comes_before_an_undecided_one(self, tmp_path: Path) -> None:
        write_csv(tmp_path / "a" / "log.csv", {"loss": FAILING["loss"]})
        write_csv(tmp_path / "b" / "log.csv", {**EXPLODING, "lr": constant(ROWS)})
        verdicts = [run.verdict for run in gradcheck.analyze(tmp_path).runs]
        assert verdicts == ["exploding_gradients", INCONCLUSIVE]

    @pytest.mark.parametrize("columns", [FAILING, EXPLODING, SPIKING, {"loss": decay(ROWS)}])
    def test_confidences_are_probabilities(self, columns: dict[str, Column]) -> None:
        report = diagnosed(columns)
        confidences = [d.confidence for d in report.diagnoses]
        assert confidences == sorted(confidences, reverse=True)
        assert sum(confidences) <= 1.0 + 1e-9
        assert 0.0 <= report.confidence <= 1.0

    def test_a_healthy_run_has_nothing_to_tell(self) -> None:
        report = diagnosed({"loss": decay(ROWS), "grad_norm": norms(ROWS), "lr": warm_up(ROWS)})
        assert report.severity is None
        assert (report.diagnoses, report.missing, report.first_bad_step) == ((), (), None)

    def test_a_spike_that_was_shaken_off_has_its_place(self) -> None:
        loss = scale(decay(ROWS), [120, 210], 3.0)
        report = diagnosed({"loss": loss, "grad_norm": scale(norms(ROWS), [120, 210], 3.0)})
        assert (report.verdict, report.severity) == (HEALTHY, Severity.SPIKE)
        assert report.first_bad_step == 120

    def test_notes_of_the_reader_stay(self) -> None:
        run = dataclasses.replace(run_of(FAILING), notes=("the last record is cut off",))
        assert diagnosed(run).notes == ("the last record is cut off",)

    def test_what_rules_a_rival_out_is_not_said_of_the_best(self) -> None:
        for diagnosis_ in diagnosed({**EXPLODING, "lr": constant(ROWS)}).diagnoses:
            assert diagnosis_.cause not in {r.cause for r in diagnosis_.ruled_out}
            assert all(rejection.because for rejection in diagnosis_.ruled_out)

    def test_the_same_run_gives_the_same_report(self) -> None:
        one, other = diagnosed(EXPLODING), diagnosed(EXPLODING)
        assert dataclasses.replace(one, run=other.run) == other

    @pytest.mark.parametrize("end", [230, 260])
    def test_a_run_read_earlier_has_the_same_events(self, end: int) -> None:
        loss = scale(decay(ROWS), [100, 150], 20.0)
        whole, earlier = diagnosed({"loss": loss}), diagnosed({"loss": loss[:end]})
        assert whole.events == earlier.events


class TestJson:
    """The report for programs, whatever the log calls its series."""

    @staticmethod
    def document(report: Report) -> dict[str, object]:
        text = RENDERER.render(report, Canvas())
        loaded: dict[str, object] = json.loads(text)
        jsonschema.validate(loaded, schema())
        assert text.isascii()
        return loaded

    @pytest.mark.parametrize("columns", [FAILING, EXPLODING, SPIKING, {"loss": decay(ROWS)}])
    def test_a_report_holds_the_schema(self, columns: dict[str, Column]) -> None:
        self.document(Report((diagnosed(columns),)))

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile_names_come_back_unharmed(self, name: str) -> None:
        run = run_of({name: FAILING["loss"]})
        if not run.primary:
            run = dataclasses.replace(run, primary={Role.LOSS: name})
            renamed = tuple(dataclasses.replace(s, role=Role.LOSS) for s in run.series)
            run = dataclasses.replace(run, series=renamed)
        document = self.document(Report((diagnosed(run),), (Unread(Path(name), name),)))
        text = json.dumps(document, ensure_ascii=False)
        assert json.dumps(name, ensure_ascii=False)[1:-1] in text
        assert "\x1b" not in text

    def test_nan_and_infinity_are_words(self) -> None:
        loss = put(FAILING["loss"], 200, np.inf)
        text = RENDERER.render(Report((diagnosed({"loss": loss}),)), Canvas())
        (run,) = json.loads(text, parse_constant=pytest.fail)["runs"]
        assert run["events"][0]["value"] == "inf"

    def test_the_document_tells_what_the_report_tells(self) -> None:
        report = diagnosed({**EXPLODING, "lr": constant(ROWS)})
        (run,) = json.loads(RENDERER.render(Report((report,)), Canvas()))["runs"]
        assert run["verdict"] == report.verdict
        assert run["first_bad_step"] == report.first_bad_step
        assert [e["kind"] for e in run["events"]] == [e.kind.value for e in report.events]
        assert [d["cause"] for d in run["diagnoses"]] == [d.cause for d in report.diagnoses]
        assert run["roles"]["learning_rate"] == "lr"


class TestPython:
    """`gradcheck.analyze` and `gradcheck.load`."""

    def test_analyze_gives_a_report(self, tmp_path: Path) -> None:
        report = gradcheck.analyze(write_csv(tmp_path / "log.csv", FAILING))
        assert isinstance(report, gradcheck.Report)
        assert isinstance(report.runs[0], RunReport)
        assert report.runs[0].first_bad_step == 200

    def test_both_formats_give_the_same_diagnosis(self, tmp_path: Path) -> None:
        (table,) = gradcheck.analyze(write_csv(tmp_path / "a" / "log.csv", EXPLODING)).runs
        (events,) = gradcheck.analyze(write_events(tmp_path / "b", EXPLODING)).runs
        assert (table.verdict, table.first_bad_step) == (events.verdict, events.first_bad_step)
        assert [d.cause for d in table.diagnoses] == [d.cause for d in events.diagnoses]

    def test_load_gives_frames(self, tmp_path: Path) -> None:
        steps = np.arange(ROWS) * 10
        (run,) = gradcheck.load(write_csv(tmp_path / "log.csv", FAILING, steps))
        frames = run.frames()
        assert set(frames) == {"loss", "grad_norm"}
        frame = frames["loss"]
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns) == ["step", "value"]
        np.testing.assert_array_equal(frame["step"], steps)
        np.testing.assert_array_equal(frame["value"], FAILING["loss"])

    def test_event_files_give_wall_times(self, tmp_path: Path) -> None:
        (run,) = gradcheck.load(write_events(tmp_path, {"loss": decay(20)}))
        frame = run.frames()["loss"]
        assert list(frame.columns) == ["step", "value", "wall_time"]
        assert (frame["wall_time"] > 1e9).all()

    def test_overrides_name_the_series_to_judge(self, tmp_path: Path) -> None:
        path = write_csv(tmp_path / "log.csv", {"loss": decay(ROWS), "mine": FAILING["loss"]})
        assert gradcheck.analyze(path).runs[0].verdict == HEALTHY
        report = gradcheck.analyze(path, overrides={Role.LOSS: "mine"})
        assert report.runs[0].first_bad_step == 200

    def test_a_path_that_does_not_exist(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="nowhere"):
            gradcheck.analyze(tmp_path / "nowhere")
        with pytest.raises(UsageError):
            gradcheck.load(tmp_path / "nowhere")

    def test_nothing_to_judge(self, tmp_path: Path) -> None:
        assert gradcheck.analyze(tmp_path) == Report(())
        with pytest.raises(NothingToJudge):
            gradcheck.load(tmp_path)

    def test_progress_is_told_of_every_place(self, tmp_path: Path) -> None:
        for name in ("a", "b"):
            write_csv(tmp_path / name / "log.csv", {"loss": decay(30)})
        seen: list[object] = []
        totals: list[int] = []

        def watch(done: Iterable[T], total: int) -> Iterator[T]:
            totals.append(total)
            for one in done:
                seen.append(one)
                yield one

        report = gradcheck.analyze(tmp_path, progress=watch)
        assert len(seen) == len(report.runs) == 2
        assert totals == [2]

    def test_an_unknown_attribute_is_an_error(self) -> None:
        with pytest.raises(AttributeError, match="nonsense"):
            gradcheck.nonsense  # noqa: B018
