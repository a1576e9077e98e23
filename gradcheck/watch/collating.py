"""Finds the sample that each row of a batch is, where the script's collate_fn may sort them."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import default_collate
from torch.utils.data._utils.collate import default_convert

from gradcheck.watch import tensors
from gradcheck.watch.replay.generators import all_generators, set_generators

MOST_SAMPLES = 256
_KEPT = (default_collate, default_convert)
"""What keeps the order of the samples."""


def order_of(iterator: Any, batch: Sequence[tuple[str, Tensor]], indices: list[int]) -> list[int]:
    """The dataset index of each row of a batch; as they were drawn where nothing says otherwise.

    For replays alone: each sample is loaded once more, and put through the collate_fn by itself.
    """
    collate = getattr(iterator, "_collate_fn", None)  # private: it may be gone one day
    dataset = getattr(iterator, "_dataset", None)
    if collate is None or collate in _KEPT or dataset is None or len(indices) > MOST_SAMPLES:
        return indices
    rows = [(name, item) for name, item in batch if item.dim() and len(item) == len(indices)]
    before = all_generators()
    try:
        alone = [dict(tensors.named(collate([dataset[index]]))) for index in indices]
        taken = _matched([_row(rows, at) for at in range(len(indices))], alone)
    except Exception:
        return indices
    finally:
        set_generators(before)
    return indices if taken is None else [indices[at] for at in taken]


def _row(items: Sequence[tuple[str, Tensor]], at: int) -> dict[str, Tensor]:
    return {name: item[at] for name, item in items}


def _matched(rows: list[dict[str, Tensor]], alone: list[dict[str, Tensor]]) -> list[int] | None:
    """Which sample each row is; None where they are in order, or a row is none of them."""
    free = list(range(len(alone)))
    taken: list[int] = []
    for at, row in enumerate(rows):
        likely = [at, *free] if at in free else free
        found = next((one for one in likely if _is_of(row, alone[one])), None)
        if found is None:
            return None
        free.remove(found)
        taken.append(found)
    return None if taken == sorted(taken) else taken


def _is_of(row: dict[str, Tensor], sample: dict[str, Tensor]) -> bool:
    """Whether a row holds the numbers of a sample, but for what it is padded with."""
    pairs = [(part, sample[name]) for name, part in row.items() if name in sample]
    return bool(pairs) and all(
        len(whole) == 1 and _agree(part, whole[0]) if whole.dim() else False
        for part, whole in pairs
    )


def _agree(one: Tensor, other: Tensor) -> bool:
    if one.dim() != other.dim() or one.dtype != other.dtype:
        return False
    within = tuple(slice(0, min(sizes)) for sizes in zip(one.shape, other.shape, strict=True))
    return torch.equal(one[within].nan_to_num(), other[within].nan_to_num())
