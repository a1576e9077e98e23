"""A label, token id or other index lies outside of the table that it indexes.

## What happens
A class label of C or -1 where the classes are 0 to C-1, a token id beyond the vocabulary of the
embedding, a position beyond the longest sequence. On the CPU that is an IndexError. On a GPU the
kernel's assertion fails, the error surfaces somewhere later, and the device is lost to the process.

## How it looks in a log
The loss is healthy until the batch comes, then the log ends in an error: "index out of range in
self", "Target 10 is out of bounds", "device-side assert triggered".

## How it looks from inside
The largest target or id of the batch is not below the size of its table, or the smallest is
negative and not the ignored one. The smallest 64-bit integer is a NaN that was cast.

## What it is confused with
An ignored target (-100), which is legitimate. A NaN that became an index. Memory faults, which
name an illegal access instead.

## Sources
PyTorch documentation, CrossEntropyLoss (ignore_index), Embedding; CUDA semantics (asynchronous
execution).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(_finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Check labels and token ids where the batch is made, before they reach the device",
        "assert 0 <= labels.min() and labels.max() < num_classes, labels\n"
        "assert 0 <= input_ids.min() and input_ids.max() < model.config.vocab_size",
        None,
        "PyTorch documentation, CrossEntropyLoss and Embedding",
    )
    yield Remedy(
        "Run the step once more on the CPU, or with CUDA_LAUNCH_BLOCKING=1: the error then names "
        "its line",
        None,
        None,
        "PyTorch documentation, CUDA semantics",
    )
    yield Remedy(
        "Resume from the last checkpoint: the weights are sound, only the batch was not",
    )


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="a label or token id lies outside of the table that it indexes",
    weights={
        "index_out_of_range_said": 9.5,
        "device_assert_said": 5.5,
        "target_outside_classes": 10.0,
        "id_outside_table": 10.0,
    },
    remedies=_remedies,
    trials=("clamp_indices",),
    prior=-5.0,
)
