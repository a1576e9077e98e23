"""Names of what several models hold: the same word for two tensors must not hide one of them."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch import nn

from gradcheck.watch.names import Names, Registry


def named(*models: nn.Module) -> Names:
    registry = Registry()
    for model in models:
        for module in model.modules():
            registry.add(module)
    return Names(registry)


def test_two_models_keep_all_their_tensors() -> None:
    large = nn.Sequential(nn.Linear(9, 9), nn.BatchNorm1d(9), nn.Linear(9, 1))
    small = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    names = named(small, large)
    assert names.parameters()["0.weight"] is large[0].weight
    assert names.parameters()["0.weight#2"] is small[0].weight
    assert names.buffers()["1.running_mean#2"] is small[1].running_mean
    assert len(names.parameters()) == len(names.by_storage()) == 10
    assert names.of(small[0].weight, 0) == "0.weight#2"


def test_a_tensor_that_two_models_share_has_one_name() -> None:
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    names = named(nn.Sequential(first), nn.Sequential(second))
    assert sorted(names.parameters()) == ["0.bias", "0.bias#2", "0.weight"]
