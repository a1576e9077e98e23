"""JSON lines: what frameworks write, what stands between the records, and what is no log."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.errors import NotALog
from gradcheck.model import Role, Run
from gradcheck.readers import roles
from gradcheck.readers.frameworks import recognise
from gradcheck.readers.json_cells import flat_cells, flatten
from gradcheck.readers.json_lines import READER
from tests.readers import json_cases
from tests.readers.json_cases import candidate, lines, series, steps, values

STEPS = [{"step": n, "loss": 1.0 / (n + 1)} for n in range(20)]


def read(directory: Path, text: str | bytes, name: str = "metrics.jsonl") -> Run:
    return json_cases.read(READER, directory, text, name)


@pytest.mark.parametrize(
    ("name", "text", "claimed"),
    [
        ("trainer_log.jsonl", '{"current_steps": 5, "loss": 1.0}\n', True),
        ("metrics.json", '{"iteration": 19, "total_loss": 1}\n{"iteration": 39', True),
        ("log.txt", '{"epoch": 0, "train_loss": "NaN"}\n', True),
        ("progress", '{"time/iterations": 1, "train/loss": 2}\n', True),
        ("20240101.log.json", '{"env_info": "' + "x" * 5000, True),
        ("stats.jsonl", '{"Loss/G/loss": {"num": 4, "mean": 1.0, "std": 0.1}}\n', True),
        ("wandb-history.jsonl", '{"_step": 0, "a": ' + "[" * 5000, True),
        ("metrics.jsonl", '{"a": 1}\n', True),
        ("train.jsonl", '{"prompt": "hi", "label": 1, "score": 2}\n' * 3, False),
        ("train.jsonl", '{"prompt": "' + "x" * 5000, False),
        ("metrics.json", '{"accuracy": 0.9, "loss": 0.1}\n', False),
        ("metrics.json", '{\n  "accuracy": 0.9\n}\n', False),
        ("trainer_state.json", '{\n  "log_history": [\n', False),
        ("train.log", '2024-01-01 | INFO | train | {"epoch": 1, "loss": "9.1"}\n' * 3, False),
        ("train.log", '{"lr": 1, "loss": 1}\nstep 1 loss 2\nstep 2 loss 2\n', False),
        ("train.jsonl", '{"id": 3, "options": [{"cost": 5}, {"cost": 7}]}\n' * 3, False),
        ("run.jsonl", '{"epoch": 3, "ts": 1, "agents": [{"q_loss": 5}, {"q_loss": 7}]}\n', True),
        ("events.out.tfevents.1", "\x00\x01{\n", False),
        ("a.csv", '{"step": 1, "loss": 2}\n', False),
        ("train.log", "", False),
    ],
)
def test_claims(name: str, text: str, claimed: bool) -> None:
    assert READER.claims(candidate(name, text)) is claimed


def test_detectron2_restart_goes_back(tmp_path: Path) -> None:
    rows = [{"data_time": 0.1, "iteration": i, "total_loss": 2.0 + i, "loss_box_reg": 1.0}
            for i in (19, 39, 19, 39, 59)]  # fmt: skip
    run = read(tmp_path, lines(rows), "metrics.json")
    assert steps(run, "total_loss") == [19, 39, 19, 39, 59]
    assert series(run)["total_loss"].order.tolist() == [1, 2, 3, 4, 5]
    assert (run.format, run.unit, recognise(run)) == ("jsonl", "step", "detectron2")


def test_mmcv_counts_within_the_epoch_and_the_validation_by_itself(tmp_path: Path) -> None:
    rows: list[object] = [{"env_info": "sys.platform: linux", "seed": 7, "exp_name": "a.py"}]
    for epoch in (1, 2):
        rows += [{"mode": "train", "epoch": epoch, "iter": i, "loss": 0.5} for i in (50, 100)]
        rows += [{"mode": "val", "epoch": epoch, "iter": 30, "bbox_mAP": 0.2}]
    run = read(tmp_path, lines(rows), "20240101.log.json")
    assert steps(run, "train/loss") == [50, 100, 151, 201]
    assert steps(run, "val/bbox_mAP") == [100, 201]
    assert run.hparams == {"env_info": "sys.platform: linux", "seed": 7, "exp_name": "a.py"}


def test_mmengine_validation_gives_the_epoch_as_its_step(tmp_path: Path) -> None:
    rows: list[object] = []
    for epoch in (1, 2, 3):
        rows += [{"lr": 0.1, "data_time": 0.1, "loss": 1.0, "epoch": epoch, "iter": i, "memory": 9,
                  "step": i} for i in (100 * epoch - 50, 100 * epoch)]  # fmt: skip
        rows += [{"coco/bbox_mAP": 0.1 * epoch, "step": epoch}]
    text = lines(rows)
    found = json_cases.runs(
        READER, tmp_path, {"a/vis_data/2024.json": text, "a/vis_data/scalars.json": text}
    )
    run = found.pop("a/vis_data/2024.json")
    assert not found
    assert run.notes[0] == "scalars.json repeats 2024.json"
    assert steps(run, "loss") == [50, 100, 150, 200, 250, 300]
    assert steps(run, "coco/bbox_mAP") == [100, 200, 300]
    assert recognise(run) == "mmengine"


def test_llama_factory_nulls_are_not_nan(tmp_path: Path) -> None:
    rows = [{"current_steps": n, "total_steps": 200, "loss": 1.0 if n % 20 and n < 196 else None,
             "eval_loss": 0.5 if n % 20 == 0 or n > 196 else None, "lr": 0.1 if n % 20 and n < 196
             else None, "percentage": n / 2, "elapsed_time": "0:00:05"}
            for n in range(1, 201)]  # fmt: skip
    run = read(tmp_path, lines(rows), "trainer_log.jsonl")
    assert np.isfinite(series(run)["loss"].value).all()
    assert len(series(run)["eval_loss"]) == 13
    assert (run.notes, recognise(run)) == ((), "llama_factory")


def test_pandas_and_orjson_write_nan_as_null(tmp_path: Path) -> None:
    rows = [{"step": n, "loss": 1.0 if n < 30 else None, "lr": 0.1} for n in range(50)]
    run = read(tmp_path, lines(rows))
    assert np.isnan(values(run, "loss")).nonzero()[0].tolist() == list(range(30, 50))
    assert "taken for NaN" in run.notes[0]


def test_stylegan_logs_means_and_kimg(tmp_path: Path) -> None:
    def stats(mean: float, num: int = 4) -> dict[str, float]:
        return {"num": num, "mean": mean, "std": 0.1}

    rows = [{"Loss/G/loss": stats(9 - n), "Loss/r1": stats(math.nan, 0),
             "Progress/kimg": stats(n / 2), "timestamp": 1.7e9 + n} for n in range(6)]  # fmt: skip
    run = read(tmp_path, lines(rows), "stats.jsonl")
    assert values(run, "Loss/G/loss") == [9, 8, 7, 6, 5, 4]
    assert steps(run, "Loss/G/loss") == [0, 500, 1000, 1500, 2000, 2500]
    assert list(series(run)) == ["Loss/G/loss"]


def test_spacy_objects_are_flattened(tmp_path: Path) -> None:
    rows = [{"epoch": 0, "step": 200 * n, "score": None if n % 2 else 0.5,
             "losses": {"tok2vec": 1.0, "ner": 2.0}, "scores": {"ents_f": 0.5, "ents_per_type": {}}}
            for n in range(4)]  # fmt: skip
    run = read(tmp_path, lines(rows))
    assert steps(run, "losses/ner") == [0, 200, 400, 600]
    assert len(series(run)["score"]) == 2
    assert recognise(run) == "spacy"


def test_rllib_config_is_no_metric(tmp_path: Path) -> None:
    rows = [{"training_iteration": n, "config": {"lr": 0.1, "env": "a", "vf_loss": 1.0},
             "info": {"learner": {"default_policy": {"learner_stats": {"total_loss": n + 0.5}}}}}
            for n in range(5)]  # fmt: skip
    run = read(tmp_path, lines(rows), "result.json")
    assert list(series(run)) == ["info/learner/default_policy/learner_stats/total_loss"]
    assert (run.hparams["config/lr"], run.hparams["config/vf_loss"]) == (0.1, 1)


def test_wandb_histories_spell_nan_and_hold_media(tmp_path: Path) -> None:
    rows = [{"_step": n, "_runtime": 1.5 * n, "loss": ["NaN", "Infinity", 2.0][n % 3],
             "w": {"_type": "histogram", "values": [1], "bins": [0, 1]}}
            for n in range(6)]  # fmt: skip
    run = read(tmp_path, lines(rows), "wandb-history.jsonl")
    assert [str(value) for value in values(run, "loss")[:3]] == ["nan", "inf", "2.0"]
    assert "w/values" not in series(run)


def test_settings_are_told_from_a_first_evaluation(tmp_path: Path) -> None:
    settings = {"lr": 0.1, "batch_size": 32, "epochs": 10, "loss_weight": 2.0, "init_loss": 7}
    run = read(tmp_path, lines([settings, {"loss": 9.0}, *STEPS]))
    assert run.hparams == {**settings, "batch_size": 32}
    assert list(series(run)) == ["loss"]
    assert values(run, "loss")[0] == 9.0


def test_listed_agents_are_series_each(tmp_path: Path) -> None:
    rows = [
        {"epoch": e, "mode": "league", "agents": [
            {"id": i, "name": "x", "q_loss": e + i / 4, "grad_norm": 2.0} for i in (0, 1)
        ]}
        for e in range(3)
    ]  # fmt: skip
    run = roles.assign(read(tmp_path, lines(rows)), {})
    assert values(run, "agents/1/q_loss") == [0.25, 1.25, 2.25]
    assert {one.name for one in run.series if one.role is Role.LOSS} == {
        "agents/0/q_loss", "agents/1/q_loss",
    }  # fmt: skip
    assert run.primary[Role.GRAD_NORM] == "agents/0/grad_norm"
    assert not any("name" in one.name for one in run.series)


def test_long_lists_of_objects_are_no_metrics(tmp_path: Path) -> None:
    rows = [{"step": n, "loss": 1.0, "all": [{"loss": 2.0}] * 9, "none": []} for n in range(3)]
    assert list(series(read(tmp_path, lines(rows)))) == ["loss"]


def test_a_mode_that_tells_nothing_apart_is_no_prefix(tmp_path: Path) -> None:
    rows = [{"step": n, "mode": "league", "loss": 1.0} for n in range(3)]
    assert list(series(read(tmp_path, lines(rows)))) == ["loss"]
    rows[1]["mode"] = "solo"
    assert list(series(read(tmp_path, lines(rows)))) == ["league/loss", "solo/loss"]
    del rows[1]["mode"]
    assert list(series(read(tmp_path, lines(rows)))) == ["loss", "league/loss"]


def test_a_wrapped_record_keeps_its_step(tmp_path: Path) -> None:
    run = read(tmp_path, lines({"level": "INFO", "metrics": row} for row in STEPS), "log.jsonl")
    assert steps(run, "metrics/loss") == list(range(20))


def test_rows_are_counted_where_nothing_counts(tmp_path: Path) -> None:
    run = read(tmp_path, lines({"train_loss": 1.0 / (n + 1)} for n in range(5)))
    assert steps(run, "train_loss") == [0, 1, 2, 3, 4]
    assert "the rows are counted" in run.notes[0]


def test_a_name_of_the_run_is_no_tag(tmp_path: Path) -> None:
    rows = [{"name": "exp1", "step": n, "loss": 1.0, "acc": 0.5} for n in range(4)]
    assert list(series(read(tmp_path, lines(rows)))) == ["loss", "acc"]
    rows = [{"name": "loss", "step": n, "value": 1.0} for n in range(4)]
    assert list(series(read(tmp_path, lines(rows)))) == ["loss"]


def test_splits_of_one_directory_are_one_run(tmp_path: Path) -> None:
    val = lines({"step": n, "loss": 2.0} for n in range(0, 20, 5))
    found = json_cases.runs(READER, tmp_path, {"r/train.jsonl": lines(STEPS), "r/val.jsonl": val})
    assert {name: list(series(run)) for name, run in found.items()} == {
        "r": ["train/loss", "val/loss"]
    }


@pytest.mark.parametrize(
    "noise",
    ["", "\n", "Starting training\n", "[1, 2]\n", '{"step": 1, "lo\n', "{}\n", "\0\0\0", "\x1e",
     "\ufeff", " 50%|###  | 1/2\r", '{"step": \n', "{'loss': 1}\n", "nan\n", "{" * 5000 + "\n"],
)  # fmt: skip
def test_intact_lines_survive_what_is_between_them(tmp_path: Path, noise: str) -> None:
    text = "".join(noise + line for line in lines(STEPS).splitlines(keepends=True))
    run = read(tmp_path, text + '{"step": 20, "loss": 0.')
    assert steps(run, "loss") == list(range(20))
    assert values(run, "loss") == [row["loss"] for row in STEPS]


def test_two_records_on_one_line_and_other_line_ends(tmp_path: Path) -> None:
    text = lines(STEPS)
    assert steps(read(tmp_path, text.replace("}\n", "}")), "loss") == list(range(20))
    assert steps(read(tmp_path, text.replace("\n", "\r\n")), "loss") == list(range(20))
    assert steps(read(tmp_path, text.encode("utf-16")), "loss") == list(range(20))


def test_a_hole_in_the_file_is_told(tmp_path: Path) -> None:
    text = lines(STEPS[:5]) + '{"step": 5, "lo\n' + "x\n" * 9 + lines(STEPS[6:])
    run = read(tmp_path, text)
    assert len(series(run)["loss"]) == 19
    assert run.notes[0].startswith("1 damaged records passed over; the first: line 6: ")
    assert run.notes[1] == "9 of 30 lines are no JSON records: passed over"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"a":' + "[" * 100_000, "nested too deeply"),
        ("", "no line is a whole JSON object"),
        ('{"step": 1, "loss": ', "line 1: Expecting value"),
        ('{"a": "b"}\n' * 9, "no step or epoch column"),
        ('{"step": 1}\n{"step": 2}\n', "no column of numbers beside the step"),
    ],
)
def test_no_log(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(NotALog, match=why):
        read(tmp_path, text)


def test_numbers_of_any_length(tmp_path: Path) -> None:
    huge = "9" * 50_000
    text = "".join(f'{{"step": {n}, "loss": {huge}, "b": 0.{huge}}}\n' for n in range(3))
    run = read(tmp_path, text)
    assert values(run, "loss") == [math.inf] * 3
    assert values(run, "b") == [1.0] * 3


def test_many_names_take_no_table_of_all_cells(tmp_path: Path) -> None:
    rows = ({"step": n, f"loss{n}": 1.0, "x": None if n > 5 else 1.0} for n in range(20_000))
    run = read(tmp_path, lines(rows))
    assert len(run.series) == 20_001


def test_cells_of_a_record() -> None:
    record = {"a": {"b": [1.5], "c": [1, 2], "d": list(range(9)), "e": ["x"]}, "skipped": True,
              "n": None, "\ud800": 1, "t": "é", "": 2}  # fmt: skip
    assert flat_cells(record) == [
        ("a/b", 1.5), ("a/c/0", 1), ("a/c/1", 2), ("a/e", "x"), ("skipped", True), ("n", None),
        ("?", 1), ("t", "é"), ("", 2),
    ]  # fmt: skip
    assert flat_cells({"a/b": 1, "a": {"b": 2}}) == [("a/b", 2)]


def test_a_record_is_neither_too_deep_nor_too_wide() -> None:
    deep: dict[str, object] = {"loss": 1}
    for _ in range(50_000):
        deep = {"a": deep}
    assert flatten({"step": 1, **deep, "b": 2}) == ({"step": 1, "b": 2}, 1)
    cells, left_out = flatten({"x": {str(n): n for n in range(100_500)}})
    assert (len(cells), left_out) == (100_000, 500)


NAMES = st.sampled_from(["loss", "lr", "grad_norm", "é", "a/b", "val loss"])
VALUES = st.floats(width=64) | st.integers(-(2**60), 2**60) | st.booleans() | st.none()
RECORDS = st.lists(st.dictionaries(NAMES, VALUES), min_size=1, max_size=40)


@given(RECORDS)
def test_records_come_back_point_by_point(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, float | bool | None]]
) -> None:
    rows = [{"step": n, **record, "end": 0} for n, record in enumerate(records)]
    run = read(tmp_path_factory.mktemp("log"), lines(rows))
    expected: dict[str, list[tuple[int, float]]] = {}
    for n, record in enumerate(records):
        for name, value in record.items():
            if value is not None:
                expected.setdefault(name, []).append((n, float(value)))
    found = series(run)
    assert set(found) == {*expected, "end"}
    for name, points in expected.items():
        known = found[name]
        logged = [i for i, n in enumerate(known.step.tolist()) if n in dict(points)]
        assert known.step[logged].tolist() == [n for n, _ in points]
        np.testing.assert_array_equal(known.value[logged], [value for _, value in points])
        assert (known.order == known.step + 1).all()


@given(st.integers(0, 999), st.binary(min_size=1, max_size=9))
def test_mutated_bytes_lose_no_intact_line(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    intact = lines(STEPS).encode()
    at = at * len(intact) // 1000
    data = intact[:at] + junk + intact[at + len(junk) :]
    file = tmp_path_factory.mktemp("log") / "log.jsonl"
    try:
        run = read(file.parent, data)
    except NotALog:
        return
    # A line is intact if the junk lies outside of it and of the ends of its neighbours.
    ends = [n for n, byte in enumerate(intact) if byte == ord("\n")]
    starts = [0, *(end + 1 for end in ends)]
    untouched = [row for row, start, end in zip(STEPS, starts, ends, strict=False)
                 if end < at - 1 or start > at + len(junk)]  # fmt: skip
    points = series(run)["loss"]
    found = set(zip(points.step.tolist(), points.value.tolist(), strict=True))
    assert {(row["step"], row["loss"]) for row in untouched} <= found
