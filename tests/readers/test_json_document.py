"""JSON documents: Hugging Face, Megatron, AllenNLP, Keras, pandas, TensorBoard, and no logs."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.errors import NotALog
from gradcheck.model import Role, Run
from gradcheck.readers import json_text, roles
from gradcheck.readers.frameworks import recognise
from gradcheck.readers.json_document import READER
from tests.readers import json_cases
from tests.readers.json_cases import candidate, lines, series, steps, values

LOSSES = [1.0 / (n + 1) for n in range(6)]
HISTORY = [{"epoch": n / 10, "loss": 2.0 - n / 10, "grad_norm": 1.0, "step": 5 * n}
           for n in range(1, 9)]  # fmt: skip
SUMMARY = {"epoch": 0.8, "step": 40, "total_flos": 9.0, "train_loss": 1.5, "train_runtime": 3.0}


def read(directory: Path, document: object, name: str = "log.json") -> Run:
    return json_cases.read(READER, directory, json.dumps(document), name)


def state(history: list[dict[str, float]]) -> str:
    return json.dumps(
        {"epoch": 1, "max_steps": 40, "num_train_epochs": 2**63 - 1, "train_batch_size": 4,
         "trial_params": {"lr": 0.1}, "is_local_process_zero": True, "log_history": history},
        indent=2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "claimed"),
    [
        ("trainer_state.json", '{\n "best_metric": null,', True),
        ("anything.json", '{"a": 1, "log_history": [', True),
        ("golden_values_dev.json", '{"lm loss": {"start_step": 1, "step_interval": 5,', True),
        ("metrics_epoch_3.json", '{\n  "best_epoch": 0', True),
        ("run-a-tag-loss.json", "[[1.7e9, 0, 2.5], [", True),
        ("x.json", '{"loss": [0.5, 0.4], "val_loss": [', True),
        ("x.json", '{"train": {"loss": [0.5,', True),
        ("x.json", '[{"epoch": 1, "acc": 0.5}, {"epoch"', True),
        ("x.json", '{"runs": [{"train_loss": "NaN"', True),
        ("x.json", '{"loss": {"0": 0.5, "1"', True),
        ("metrics.json", '{\n "accuracy": 0.9\n}', True),
        ("history.json", "[1, 2", True),
        ("config.json", '{"loss": "mse", "epochs": 10}', False),
        ("train_config.json", '{"losses": {"a": 1}}', False),
        ("package.json", '{"name": "loss", "version": "1"}', False),
        ("tokenizer.json", '{"model": {"vocab": {"loss": 5, "step": 6}}}', False),
        ("annotations.json", '{"info": {}, "images": [{"id": 1, "width": 640}, {"id"', False),
        ("all_results.json", '{"epoch": 3.0, "train_loss": 0.5}', False),
        ("x.json", '{"loss": 0.5, "epoch": 3}', False),
        ("a.ipynb", '{"loss": [0.5, 0.4]}', False),
        ("metrics.json", '{"step": 1, "loss": 1}\n{"step": 2, "loss": 1}\n', False),
        ("log.json", "step,loss\n", False),
        ("log.json", "", False),
    ],
)
def test_claims(name: str, text: str, claimed: bool) -> None:
    assert READER.claims(candidate(name, text)) is claimed


def test_hugging_face(tmp_path: Path) -> None:
    run = json_cases.read(READER, tmp_path, state([*HISTORY, SUMMARY]), "trainer_state.json")
    assert steps(run, "loss") == [5, 10, 15, 20, 25, 30, 35, 40]
    assert series(run)["loss"].order.tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (steps(run, "train_loss"), values(run, "train_loss")) == ([40], [1.5])
    assert roles.assign(run, {}).primary[Role.LOSS] == "loss"
    assert run.hparams == {"max_steps": 40, "train_batch_size": 4, "lr": 0.1}
    assert (run.format, recognise(run)) == ("json", "huggingface")


def test_bare_nan_in_a_history(tmp_path: Path) -> None:
    history = [*HISTORY[:7], {"loss": math.nan, "grad_norm": math.inf, "step": 40}]
    run = json_cases.read(READER, tmp_path, state(history), "trainer_state.json")
    assert [str(v) for v in (values(run, "loss")[-1], values(run, "grad_norm")[-1])] == [
        "nan", "inf",
    ]  # fmt: skip


def test_checkpoints_are_beginnings_of_one_run(tmp_path: Path) -> None:
    with_nan = [*HISTORY[:2], {**HISTORY[2], "loss": math.nan}, *HISTORY[3:]]
    texts = {f"out/checkpoint-{5 * n}/trainer_state.json": state(with_nan[:n]) for n in (4, 6, 8)}
    found = json_cases.runs(READER, tmp_path, {**texts, "other/trainer_state.json": state(HISTORY)})
    assert sorted(found) == ["other/trainer_state.json", "out"]
    assert len(series(found["out"])["loss"]) == 8
    assert found["out"].notes == (
        "checkpoint-40/trainer_state.json is read; 2 more files hold the beginning of it",
    )
    assert recognise(found["out"]) is None


def test_a_checkpoint_of_another_branch_is_named(tmp_path: Path) -> None:
    branch = [*HISTORY[:3], {**HISTORY[3], "loss": 7.0}]
    texts = {
        "trainer_state.json": state([*HISTORY, SUMMARY]),
        "checkpoint-20/trainer_state.json": state(branch),
        "checkpoint-10/trainer_state.json": state(HISTORY[:2]),
        "checkpoint-5/trainer_state.json": "{",
    }
    (run,) = json_cases.runs(READER, tmp_path, texts).values()
    assert run.notes[0] == (
        "checkpoint-20/trainer_state.json is not a beginning of trainer_state.json: they part at"
        " step 20, as after a resume from before it"
    )
    assert run.notes[1].startswith("checkpoint-5/trainer_state.json: not valid JSON")
    assert run.notes[2] == "trainer_state.json is read; 1 more file holds the beginning of it"
    assert 7.0 not in values(run, "loss")


def test_golden_values_of_both_shapes(tmp_path: Path) -> None:
    def tag(values: object) -> dict[str, object]:
        return {"start_step": 1, "end_step": 15, "step_interval": 5, "values": values}

    new = {"lm loss": tag({"1": 9.0, "5": "nan", "10": 8.0}), "num-zeros": tag({"5": 3.0})}
    run = read(tmp_path, new, "golden_values.json")
    assert (steps(run, "lm loss"), values(run, "lm loss")) == ([1, 10], [9.0, 8.0])
    assert steps(run, "num-zeros") == [5]
    assert recognise(run) == "megatron"
    run = read(tmp_path, {"lm loss": tag([9.0, "nan", 7.0])}, "golden_values.json")
    assert (steps(run, "lm loss"), values(run, "lm loss")) == ([1, 11], [9.0, 7.0])


def test_allennlp_writes_a_file_an_epoch(tmp_path: Path) -> None:
    texts = {
        f"metrics_epoch_{n}.json": json.dumps(
            {"best_epoch": 0, "training_duration": "0:00:10", "training_start_epoch": 0,
             "epoch": n, "training_loss": 12.0 - n, "validation_loss": 3.0}
        ) for n in range(12)
    }  # fmt: skip
    (run,) = json_cases.runs(READER, tmp_path, texts).values()
    assert values(run, "training_loss") == [12.0 - n for n in range(12)]
    assert (run.path, run.unit, recognise(run)) == (tmp_path, "epoch", "allennlp")


def test_tensorboard_downloads_are_one_run(tmp_path: Path) -> None:
    texts = {
        "run-a-tag-loss.json": json.dumps([[1.7e9 + n, 10 * n, n / 2] for n in range(3)]),
        "run-a-tag-lr.json": json.dumps([[1.7e9, 0, 0.1], [1.7e9 + 1, 10, "NaN"]]),
        "run-b-tag-loss.json": json.dumps([[1.7e9, 0, 1.0], [1.7e9, 1, 1.0]]),
    }
    found = json_cases.runs(READER, tmp_path, texts)
    assert sorted(found) == ["run-a", "run-b-tag-loss.json"]
    assert (steps(found["run-a"], "loss"), values(found["run-a"], "loss")) == (
        [0, 10, 20], [0.0, 0.5, 1.0],
    )  # fmt: skip
    wall = series(found["run-a"])["loss"].wall
    assert wall is not None
    assert wall.tolist() == [1.7e9, 1.7e9 + 1, 1.7e9 + 2]
    assert math.isnan(values(found["run-a"], "lr")[1])


COLUMNS = {str(n): loss for n, loss in enumerate(LOSSES)}
COUNTED = {str(n): 10 * n for n in range(6)}


@pytest.mark.parametrize(
    ("document", "name", "at"),
    [
        ({"loss": LOSSES, "val_loss": LOSSES}, "loss", range(6)),
        ({"history": {"loss": LOSSES}, "config": {"layers": [64, 64]}}, "history/loss", range(6)),
        ({"train": {"loss": LOSSES}, "val": {"loss": LOSSES}}, "train/loss", range(6)),
        ({"train_losses": LOSSES, "val_losses": LOSSES[:3]}, "train_losses", range(6)),
        ({"train_losses": LOSSES, "val_losses": LOSSES[:3]}, "val_losses", (1, 3, 5)),
        ({"step": list(range(0, 60, 10)), "loss": LOSSES}, "loss", range(0, 60, 10)),
        (LOSSES, "log", range(6)),
        ([{"step": 10 * n, "loss": v} for n, v in enumerate(LOSSES)], "loss", range(0, 60, 10)),
        ({"a": 1, "metrics": [{"epoch": n, "loss": v} for n, v in enumerate(LOSSES)]}, "loss",
         range(6)),
        ([{"loss": v, "acc": 1} for v in LOSSES], "loss", range(6)),
        ({"loss": COLUMNS, "acc": COLUMNS}, "loss", range(6)),
        ({"step": COUNTED, "loss": COLUMNS}, "loss", range(0, 60, 10)),
        ({"columns": ["step", "loss"], "index": list(range(6)),
          "data": [[10 * n, v] for n, v in enumerate(LOSSES)]}, "loss", range(0, 60, 10)),
        ({str(n): {"loss": v, "acc": 1.0} for n, v in enumerate(LOSSES)}, "loss", range(6)),
        ({f"epoch_{n}": {"loss": v} for n, v in enumerate(LOSSES, 1)}, "loss", range(1, 7)),
        ({"schema": {"fields": []}, "data": [{"index": n, "loss": v, "step": n} for n, v in
                                             enumerate(LOSSES)]}, "loss", range(6)),
        ({"train": [{"step": n, "loss": v} for n, v in enumerate(LOSSES)],
          "val": [{"step": 5, "loss": 1.0}]}, "train/loss", range(6)),
    ],
)  # fmt: skip
def test_layouts(tmp_path: Path, document: object, name: str, at: Sequence[int]) -> None:
    run = read(tmp_path, document)
    assert steps(run, name) == list(at)
    assert values(run, name) == LOSSES[: len(at)]


def test_what_the_layouts_say_of_themselves(tmp_path: Path) -> None:
    keras = read(tmp_path, {"loss": LOSSES, "val_loss": LOSSES, "accuracy": LOSSES})
    assert (keras.unit, recognise(keras), keras.notes) == ("epoch", "keras", ())
    loop = read(tmp_path, {"train_losses": LOSSES, "val_losses": LOSSES[:3], "args": {"lr": 0.1}})
    assert (loop.unit, loop.hparams) == ("step", {"args/lr": 0.1})
    assert loop.notes == ("'val_losses' has 3 values to 6: spread evenly over them",)


def test_lists_side_by_side_are_interleaved(tmp_path: Path) -> None:
    run = read(tmp_path, {"train": [{"step": n, "loss": 1.0} for n in range(9)],
                          "val": [{"step": n, "loss": 1.0} for n in (3, 6)]})  # fmt: skip
    assert series(run)["val/loss"].order.tolist() == [5, 9]


def test_lines_longer_than_the_head_are_lines(tmp_path: Path) -> None:
    rows = [{**{f"layer{n}/loss": 1.0 for n in range(400)}, "step": row} for row in range(3)]
    text = lines(rows)
    assert READER.claims(candidate("metrics.json", text))
    run = json_cases.read(READER, tmp_path, text, "metrics.json")
    assert (run.format, steps(run, "layer7/loss")) == ("jsonl", [0, 1, 2])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"accuracy": 0.9, "f1": 0.8}', "no log: it lists nothing over steps.*: accuracy, f1"),
        ('{"images": [{"file_name": "a"}, {"file_name": "b"}]}', "records without a step"),
        ("[]", "no log"),
        ('{"columns": [], "data": []}', "lists nothing over steps"),
        ('{"columns": ["loss"], "data": [[1, 2]]}', "lists nothing over steps"),
        ('{"loss": [1 2]}', "not valid JSON"),
        ('{"loss": [1, 2}}', "not valid JSON"),
        ('{"loss": [1, 2]]', "not valid JSON"),
        ('{"loss"', "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ('{"log_history": []}', "nothing is logged yet"),
        ("1" * 100_000, "no log"),
    ],
)
def test_no_log(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(NotALog, match=why):
        json_cases.read(READER, tmp_path, text, "metrics.json")


ROWS = [{"epoch": at, "loss": 2.0 / at, "note": 'a "],}" of old'} for at in range(1, 6)]


@pytest.mark.parametrize("document", [ROWS, {"loss": LOSSES, "lr": [0.1] * len(LOSSES)}])
def test_of_a_document_without_an_end_what_is_whole_is_read(
    tmp_path: Path, document: object
) -> None:
    text = json.dumps(document, indent=1)
    whole = json_cases.read(READER, tmp_path, text, "metrics.json").series
    longest = 0
    for end in range(1, len(text) - 1):
        try:
            run = json_cases.read(READER, tmp_path, text[:end], "metrics.json")
        except NotALog:
            assert not longest
            continue
        assert any("no end" in note for note in run.notes)
        series = next(one for one in run.series if one.name == "loss")
        full = next(one for one in whole if one.name == "loss")
        assert series.value.tolist() == full.value[: len(series)].tolist()
        assert len(series) >= longest
        longest = len(series)
    assert longest >= len(whole[0]) - 1


def test_a_huge_document_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_text, "_LARGEST_DOCUMENT", 10)
    with pytest.raises(NotALog, match="documents are read up to"):
        read(tmp_path, {"loss": LOSSES})


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=5)
    | st.dictionaries(st.sampled_from(["loss", "step", "0", "1", "values", "start_step", "data",
                                       "columns", "log_history", "", "num", "mean", "std"]),
                      inner, max_size=5),
    max_leaves=30,
)  # fmt: skip


@given(JSON, st.sampled_from(["log.json", "trainer_state.json", "metrics_epoch_1.json",
                              "run-a-tag-loss.json"]))  # fmt: skip
def test_any_document_is_a_run_or_no_log(
    tmp_path_factory: pytest.TempPathFactory, document: object, name: str
) -> None:
    text = json.dumps(document)
    READER.claims(candidate(name, text))
    try:
        run = json_cases.read(READER, tmp_path_factory.mktemp("log"), text, name)
    except NotALog:
        return
    assert all(len(one.step) == len(one.value) == len(one.order) for one in run.series)


@given(st.integers(0, 999), st.binary(min_size=1, max_size=4))
def test_mutated_bytes_raise_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    intact = state([*HISTORY, SUMMARY]).encode()
    at = at * len(intact) // 1000
    data = intact[:at] + junk + intact[at + len(junk) :]
    try:
        run = json_cases.read(READER, tmp_path_factory.mktemp("log"), data, "trainer_state.json")
    except NotALog:
        return
    assert run.series
    assert np.concatenate([one.value for one in run.series]).dtype == np.float64
