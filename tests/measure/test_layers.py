"""Per-layer gradient norms."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck.measure.layers import _is_vector, first_layer, median_norms, starved_at_first
from tests.synthetic import norms, put, run_of


def test_a_run_without_layers_has_no_medians() -> None:
    run = run_of({"loss": norms(20), "grad_norm": norms(20)})
    assert median_norms(run) == []
    assert first_layer(run) is None


def test_medians_are_of_weights_in_the_order_of_the_log() -> None:
    run = run_of(
        {
            "grad/fc2.weight": put(norms(20, usual=3.0), 4, np.nan),
            "grad/fc1.weight": norms(20, usual=7.0),
            "grad/fc1.bias": norms(20, usual=100.0),
            "grad/bn1": norms(20, usual=100.0),
        }
    )
    found = median_norms(run)
    assert [series.name for series, _ in found] == ["grad/fc2.weight", "grad/fc1.weight"]
    assert all(1 < value < 20 for _, value in found)


@pytest.mark.parametrize(
    ("weight", "vector"),
    [
        ("layers/0.weight/grad_norm", "layers/0.bias/grad_norm"),
        ("layers/0.weight/grad_norm", "layers/1.weight[64]/grad_norm"),
        ("layers/cell.weight_hh_l0/grad_norm", "layers/cell.bias_hh_l0/grad_norm"),
        ("fc.weight.grad_norm", "fc.bias.grad_norm"),
        ("gradients/fc.weight", "gradients/fc.bias"),
        ("grad/fc.weight/l2_norm", "grad/fc.bias/l2_norm"),
        ("fc.weight/gradient", "bn.weight/gradient"),
        ("fc.weight/norm", "norm1.weight/norm"),
    ],
)
def test_a_name_that_ends_in_its_measure_is_no_vector_for_that(weight: str, vector: str) -> None:
    assert not _is_vector(weight)
    assert _is_vector(vector)


def test_where_only_vectors_are_logged_they_count() -> None:
    run = run_of({"grad/fc1.bias": norms(20), "grad/fc2.bias": norms(20)})
    assert len(median_norms(run)) == 2


def test_the_first_layer_that_has_both_weight_and_bias() -> None:
    run = run_of(
        {
            "grad/embed.weight": norms(20),
            "grad/fc1.weight": norms(20),
            "grad/fc1.bias": norms(20),
            "grad/fc2.weight": norms(20),
            "grad/fc2.bias": norms(20),
        }
    )
    pair = first_layer(run)
    assert pair is not None
    assert [series.name for series in pair] == ["grad/fc1.weight", "grad/fc1.bias"]


def test_a_bias_alone_is_no_layer() -> None:
    assert first_layer(run_of({"grad/fc1.bias": norms(20), "grad/fc2.weight": norms(20)})) is None


@pytest.mark.parametrize(("first", "starved"), [(1e-4, True), (0.02, True), (0.2, False)])
def test_a_layer_that_is_cut_off_later_had_a_gradient_at_first(first: float, starved: bool) -> None:
    layer = np.append(np.full(3, first), np.full(17, 1e-6))
    run = run_of({"grad/a.weight": layer, "grad/b.weight": norms(20, usual=1.0, noise=0.01)})
    small, large = run.series
    assert starved_at_first(small, large) is starved
