"""Settings are found under every framework's names, and rubbish is no setting."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck.causes import settings
from gradcheck.causes.settings import BF16, FP16, FP32, Settings, read

HUGGINGFACE = {
    "learning_rate": 5e-05,
    "max_grad_norm": 1.0,
    "warmup_steps": 0,
    "warmup_ratio": 0.1,
    "per_device_train_batch_size": 8,
    "gradient_accumulation_steps": 4,
    "adam_beta1": 0.9,
    "adam_beta2": 0.999,
    "adam_epsilon": 1e-08,
    "bf16": False,
    "fp16": True,
    "torch_dtype": "bfloat16",
    "layer_norm_eps": 1e-12,
    "optim": "adamw_torch_fused",
}
DEEPSPEED = {
    "train_micro_batch_size_per_gpu": 2,
    "gradient_accumulation_steps": 16,
    "gradient_clipping": 1.0,
    "bf16": {"enabled": True},
    "fp16": {"enabled": False},
    "optimizer": {"type": "AdamW", "params": {"lr": 3e-4, "betas": [0.9, 0.95], "eps": 1e-8}},
    "scheduler": {"type": "WarmupLR", "params": {"warmup_num_steps": 2000}},
}
MEGATRON = {
    "--lr": "6.0e-5",
    "--clip-grad": "1.0",
    "--lr-warmup-iters": "500",
    "--micro-batch-size": "4",
    "--adam-beta2": "0.95",
    "--adam-eps": "1e-8",
    "--bf16": "True",
    "--optimizer": "adam",
}
FAIRSEQ = {
    "optimization/lr": "[0.0006]",
    "optimization/clip_norm": "0.1",
    "optimization/update_freq": "[2]",
    "optimizer/adam_betas": "(0.9, 0.98)",
    "optimizer/adam_eps": 1e-6,
    "lr_scheduler/warmup_updates": 15000,
    "common/fp16": True,
    "common/bf16": False,
}
DETECTRON2 = {
    "SOLVER.BASE_LR": 0.02,
    "SOLVER.WARMUP_ITERS": 1000,
    "SOLVER.IMS_PER_BATCH": 16,
    "SOLVER.CLIP_GRADIENTS.ENABLED": True,
    "SOLVER.CLIP_GRADIENTS.CLIP_TYPE": "norm",
    "SOLVER.CLIP_GRADIENTS.CLIP_VALUE": 1.0,
    "SOLVER.AMP.ENABLED": False,
}
ULTRALYTICS = {"lr0": 0.01, "warmup_epochs": 3.0, "batch": 16, "amp": True, "optimizer": "auto"}
TORCHTITAN = {
    "optimizer": {"name": "AdamW", "lr": 8e-4, "beta2": 0.95, "eps": 1e-8},
    "lr_scheduler": {"warmup_steps": 200},
    "training": {"max_norm": 1.0, "local_batch_size": 8, "mixed_precision_param": "bfloat16"},
}
LIGHTNING = {
    "lr": 1e-3,
    "trainer/gradient_clip_val": 0.5,
    "trainer/precision": "16-mixed",
    "trainer/accumulate_grad_batches": 2,
    "data/batch_size": 64,
}


@pytest.mark.parametrize(
    ("hparams", "expected"),
    [
        (
            HUGGINGFACE,
            Settings(5e-5, 1.0, 0, 0.1, None, 8, 4, 0.999, 1e-8, FP16, "AdamW"),
        ),
        (DEEPSPEED, Settings(3e-4, 1.0, 2000, None, None, 2, 16, 0.95, 1e-8, BF16, "AdamW")),
        (MEGATRON, Settings(6e-5, 1.0, 500, None, None, 4, None, 0.95, 1e-8, BF16, "Adam")),
        (FAIRSEQ, Settings(6e-4, 0.1, 15000, None, None, None, 2, 0.98, 1e-6, FP16)),
        (DETECTRON2, Settings(0.02, 1.0, 1000, None, None, 16, precision=FP32)),
        (ULTRALYTICS, Settings(0.01, warmup_epochs=3.0, batch_size=16)),
        (
            TORCHTITAN,
            Settings(8e-4, 1.0, 200, None, None, 8, None, 0.95, 1e-8, BF16, "AdamW"),
        ),
        (LIGHTNING, Settings(1e-3, 0.5, batch_size=64, accumulation=2, precision=FP16)),
        ({}, Settings()),
    ],
)
def test_the_names_of_each_framework(hparams: dict[str, object], expected: Settings) -> None:
    assert read(hparams) == expected
    assert read({"config": {"args": hparams}}) == expected


def test_transformers_5_writes_a_ratio_as_steps() -> None:
    assert read({"warmup_steps": 0.03}).warmup == "3% of the run"


@pytest.mark.parametrize(
    ("hparams", "warmup"),
    [
        ({"warmup_steps": 500, "warmup_ratio": 0.1}, "500 steps"),
        ({"warmup_steps": 0, "warmup_ratio": 0.1}, "10% of the run"),
        ({"warmup_epochs": 3}, "3 epochs"),
        ({"warmup_steps": 0}, "none"),
        ({"lr": 1}, None),
    ],
)
def test_the_warm_up_in_words(hparams: dict[str, object], warmup: str | None) -> None:
    assert read(hparams).warmup == warmup


@pytest.mark.parametrize(
    "hparams",
    [
        {"max_grad_norm": 0},
        {"max_grad_norm": -1},
        {"gradient_clip_val": None},
        {"gradient_clip_val": 0.5, "gradient_clip_algorithm": "value"},
        {"clip_grad": 0.02, "clip_mode": "agc"},
        {"SOLVER": {"CLIP_GRADIENTS": {"ENABLED": False, "CLIP_VALUE": 1.0}}},
    ],
)
def test_clipping_that_is_off_or_by_value_is_none(hparams: dict[str, object]) -> None:
    assert read(hparams).clip is None


def test_mentions_that_disagree_say_nothing_and_the_outer_one_goes_first() -> None:
    assert read({"generator": {"lr": 1e-4}, "discriminator": {"lr": 4e-4}}).learning_rate is None
    assert read({"generator": {"lr": 1e-4}, "discriminator": {"lr": 1e-4}}).learning_rate == 1e-4
    assert read({"lr": 1e-3, "discriminator": {"lr": 4e-4}}).learning_rate == 1e-3


@pytest.mark.parametrize(
    ("hparams", "precision"),
    [
        ({"precision": 16}, FP16),
        ({"precision": 32}, FP32),
        ({"mixed_precision": "no"}, FP32),
        ({"mixed_precision": "bf16", "fp16": True}, BF16),
        ({"fp16": False, "bf16": False}, FP32),
        ({"fp16": False, "bf16": False, "dtype": "bfloat16"}, BF16),
        ({"fp16": False}, None),
        ({"amp": True}, None),
        ({"dtype": "float32"}, None),
        ({"bf16": "auto"}, None),
    ],
)
def test_precision(hparams: dict[str, object], precision: str | None) -> None:
    assert read(hparams).precision == precision


def test_numbers_of_numpy_are_numbers() -> None:
    assert read({"lr": np.float32(0.5), "batch_size": np.int64(32)}) == Settings(0.5, batch_size=32)


def test_a_settings_object_that_holds_itself() -> None:
    cycle: dict[str, Any] = {"lr": 0.1}
    cycle["self"] = cycle
    assert read(cycle).learning_rate == 0.1


NAMES = [
    name.split(".")[-1]
    for table in vars(settings).values()
    if isinstance(table, str) and " " in table and "\n" not in table
    for name in table.split()
    if name.replace("_", "").replace(".", "").isalnum()
]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["1e400", "nan", "[1,", "(0.9, x)", "-0", "9" * 400, "1_000", "true", "auto"]),
    st.just(10**400),
    st.binary(),
)
KEYS = st.one_of(st.sampled_from(NAMES), st.text(), st.integers(), st.none())
RUBBISH = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=5)),
    max_leaves=20,
)


@given(st.dictionaries(KEYS, RUBBISH, max_size=8))
def test_rubbish_gives_sound_settings_or_none(hparams: dict[Any, object]) -> None:
    found = read(hparams)
    assert read(hparams) == found
    numbers = [getattr(found, name) for name in Settings.__dataclass_fields__]
    assert all(math.isfinite(n) for n in numbers if isinstance(n, (int, float)))
    assert found.learning_rate is None or found.learning_rate > 0
    assert found.clip is None or found.clip > 0
    assert found.beta2 is None or 0 < found.beta2 < 1
    assert found.epsilon is None or 0 < found.epsilon < 0.1
    assert found.batch_size is None or found.batch_size >= 1
    assert found.accumulation is None or found.accumulation >= 1
    assert found.warmup_steps is None or found.warmup_steps >= 0
    assert found.precision in (None, BF16, FP16, FP32)
    assert found.warmup is None or isinstance(found.warmup, str)


@given(st.sampled_from(NAMES), st.floats(1e-6, 0.99))
def test_a_number_reads_the_same_as_text(name: str, value: float) -> None:
    assert read({name: value}) == read({name: str(value)}) == read({name: [value]})
