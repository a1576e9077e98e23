"""Which sample each row of a batch is, whatever a collate_fn does to their order."""

# mypy: allow-untyped-calls
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import default_collate

from gradcheck.watch import tensors
from gradcheck.watch.collating import MOST_SAMPLES, order_of

DATA = [(torch.randn(length, 2), length % 3) for length in (3, 9, 1, 7, 2, 8)]
INDICES = [4, 1, 0, 5, 2]


def padded(items: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
    return pad_sequence([x for x, _ in items], batch_first=True), torch.tensor(
        [y for _, y in items]
    )


def longest_first(items: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
    return padded(sorted(items, key=lambda item: -len(item[0])))


def noisy(items: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
    x, y = longest_first(items)
    return x + torch.randn(x.shape), y


def of_many(items: list[tuple[Tensor, int]]) -> tuple[Tensor, Tensor]:
    if len(items) < 2:
        raise ValueError("a pair, at least")
    return longest_first(items)


def told(collate: Any, indices: list[int] = INDICES, data: Any = DATA) -> list[int]:
    """The order that is found in the batch of a loader."""
    batch = collate([data[index] for index in indices])
    iterator = SimpleNamespace(_collate_fn=collate, _dataset=data)
    return order_of(iterator, list(tensors.named(batch)), indices)


def test_samples_that_were_sorted_are_known_again() -> None:
    assert told(longest_first) == [1, 5, 0, 4, 2]
    # what is so already stays so
    assert told(longest_first, [1, 5, 0, 4, 2]) == [1, 5, 0, 4, 2]


def test_a_damaged_sample_is_known_again() -> None:
    bad = [(x.clone(), y) for x, y in DATA]
    bad[5][0][3] = torch.nan
    assert told(longest_first, data=bad) == [1, 5, 0, 4, 2]


@pytest.mark.parametrize("collate", [padded, noisy, of_many])
def test_nothing_is_guessed(collate: Any) -> None:
    assert told(collate) == INDICES


def test_what_keeps_the_order_is_not_asked() -> None:
    data = [(torch.zeros(1), 0)] * 3
    asked = SimpleNamespace(_collate_fn=default_collate, _dataset=None)
    assert order_of(asked, list(tensors.named(default_collate(data))), [2, 0, 1]) == [2, 0, 1]
    assert order_of(SimpleNamespace(), [], [2, 0]) == [2, 0]
    many = list(range(MOST_SAMPLES + 1))
    assert order_of(SimpleNamespace(_collate_fn=longest_first, _dataset=DATA), [], many) == many


def test_random_numbers_go_on_as_if_nobody_had_looked() -> None:
    torch.manual_seed(3)
    batch = noisy([DATA[index] for index in INDICES])
    before = torch.get_rng_state()
    iterator = SimpleNamespace(_collate_fn=noisy, _dataset=DATA)
    order_of(iterator, list(tensors.named(batch)), INDICES)
    assert torch.equal(torch.get_rng_state(), before)
