"""Clues of the settings of a run."""

from __future__ import annotations

import dataclasses

import numpy as np

from gradcheck.model import Run
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, decay, put, run_of


def configured(**settings: object) -> Run:
    """A run that breaks, with settings; a double underscore stands for a slash."""
    run = run_of({"loss": put(decay(200), slice(150, None), np.nan)})
    named = {name.replace("__", "/"): value for name, value in settings.items()}
    return dataclasses.replace(run, hparams=named)


UNSEEN: Table = {
    "half_precision_configured": {
        "no settings": configured(),
        "float32": configured(precision="32-true", dtype="float32"),
        "bfloat16": configured(precision="bf16-mixed", torch_dtype="torch.bfloat16", bf16=True),
        "32 as a number": configured(precision=32),
        "switched off": configured(fp16=False, use_fp16="False"),
        "another 16": configured(batch_size=16, epochs="16", lora_rank=16),
        "a level of no use": configured(fp16_opt_level="O1", fp16_backend="auto"),
        "half of something else": configured(schedule="half", optimizer="half"),
    },
}
SEEN: Table = {
    "half_precision_configured": {
        "Lightning": configured(precision="16-mixed"),
        "a number": configured(precision=16),
        "Transformers": configured(fp16=True),
        "text": configured(fp16="True"),
        "torch": configured(torch_dtype="torch.float16"),
        "Accelerate": configured(mixed_precision="fp16"),
        "nested": configured(model__dtype="float16"),
        "a healthy run": dataclasses.replace(
            run_of({"loss": decay(200)}), hparams={"trainer.precision": "16-true"}
        ),
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)
