"""Guards of operations: at the edge all is finite, and elsewhere nothing changes, not a bit."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, log, nn
from torch.nn import functional as F

from gradcheck.watch.changes import catalogue
from tests.watch.changes.acting import acting, attributes, new_probe

Of = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Guarded:
    """A function, where it is ordinary, and where its value or slope is not finite."""

    change: str
    of: Of
    low: float
    high: float
    edges: tuple[float, ...]


def named(name: str) -> Of:
    """Looked up when it is called, as a script does it."""
    return lambda x: getattr(torch, name)(x)


def in_place(name: str) -> Of:
    def of(x: Tensor) -> Tensor:
        copy = x.clone()
        getattr(copy, name)()
        return copy

    return of


GUARDED = {
    "log": Guarded("guard_log", named("log"), 1e-3, 1e6, (0.0, -2.0)),
    "log_imported": Guarded("guard_log", lambda x: log(x), 1e-3, 1e6, (0.0,)),
    "log_method": Guarded("guard_log", lambda x: x.log(), 1e-3, 1e6, (0.0,)),
    "log_in_place": Guarded("guard_log", in_place("log_"), 1e-3, 1e6, (0.0,)),
    "log2": Guarded("guard_log", named("log2"), 1e-3, 1e6, (0.0, -1.0)),
    "log10_in_place": Guarded("guard_log", in_place("log10_"), 1e-3, 1e6, (0.0,)),
    "log1p": Guarded("guard_log", named("log1p"), -0.9, 1e6, (-1.0, -3.0)),
    "log_named": Guarded("guard_log", lambda x: torch.log(input=x), 1e-3, 1e6, (0.0,)),
    "xlogy": Guarded("guard_log", lambda x: torch.xlogy(torch.ones(()), x), 1e-3, 1e6, (0.0,)),
    "bce": Guarded(
        "guard_log",
        lambda x: F.binary_cross_entropy(x, torch.full_like(x, 0.5), reduction="none"),
        1e-3,
        0.999,
        (0.0, 1.0),
    ),
    "sqrt": Guarded("guard_sqrt", named("sqrt"), 1e-3, 1e6, (0.0, -1.0)),
    "sqrt_in_place": Guarded("guard_sqrt", in_place("sqrt_"), 1e-3, 1e6, (0.0,)),
    "rsqrt": Guarded("guard_sqrt", named("rsqrt"), 1e-3, 1e6, (0.0, -1.0)),
    "half_power": Guarded("guard_sqrt", lambda x: x**0.5, 1e-3, 1e6, (0.0, -1.0)),
    "power_named": Guarded(
        "guard_sqrt", lambda x: torch.pow(x, exponent=0.3), 1e-3, 1e6, (0.0, -1.0)
    ),
    "whole_power": Guarded("guard_sqrt", lambda x: x**-1.0, -100.0, -1e-2, ()),
    "norm": Guarded("guard_sqrt", lambda x: torch.norm(x.reshape(-1, 1), dim=1), 1e-3, 1e6, (0.0,)),
    "linalg_norm": Guarded(
        "guard_sqrt", lambda x: torch.linalg.vector_norm(x.reshape(-1, 1), dim=1), 1e-3, 1e6, (0.0,)
    ),
    "std": Guarded(
        "guard_sqrt", lambda x: torch.stack([x, -x]).std(0, correction=0), 1e-2, 1e6, (0.0,)
    ),
    "atan2": Guarded("guard_sqrt", lambda x: torch.atan2(x, x), 1e-3, 1e6, (0.0,)),
    "division": Guarded("guard_division", lambda x: 3.0 / x, 1e-3, 1e6, (0.0,)),
    "negative": Guarded("guard_division", lambda x: 3.0 / x, -1e6, -1e-3, (-0.0,)),
    "by_tensor": Guarded("guard_division", lambda x: torch.ones(()) / x, 1e-3, 1e6, (0.0,)),
    "other_named": Guarded(
        "guard_division", lambda x: torch.div(torch.ones(()), other=x), 1e-3, 1e6, (0.0,)
    ),
    "reciprocal": Guarded("guard_division", named("reciprocal"), 1e-3, 1e6, (0.0,)),
    "reciprocal_in_place": Guarded("guard_division", in_place("reciprocal_"), 1e-3, 1e6, (0.0,)),
    "negative_power": Guarded("guard_division", lambda x: x**-2, 1e-2, 1e3, (0.0,)),
    "by_number": Guarded("guard_division", lambda x: x / 4, -1e6, 1e6, ()),
    "exp": Guarded("guard_exponential", named("exp"), -100.0, 39.0, (89.0, 1e4)),
    "exp_in_place": Guarded("guard_exponential", in_place("exp_"), -100.0, 39.0, (1e4,)),
    "exp2": Guarded("guard_exponential", named("exp2"), -100.0, 39.0, (1e3,)),
    "expm1": Guarded("guard_exponential", named("expm1"), -100.0, 39.0, (1e3,)),
    "cosh": Guarded("guard_exponential", named("cosh"), -39.0, 39.0, (1e3, -1e3)),
    "sinh_in_place": Guarded("guard_exponential", in_place("sinh_"), -39.0, 39.0, (1e3, -1e3)),
    "acos": Guarded("guard_domain", named("acos"), -0.999, 0.999, (1.0, -1.0, 1.5)),
    "asin": Guarded("guard_domain", lambda x: x.asin(), -0.999, 0.999, (1.0, -1.0, -7.0)),
    "atanh": Guarded("guard_domain", named("atanh"), -0.999, 0.999, (1.0, -1.0)),
    "erfinv": Guarded("guard_domain", named("erfinv"), -0.99, 0.99, (1.0, -1.0)),
    "logit": Guarded("guard_domain", named("logit"), 0.001, 0.999, (0.0, 1.0, 2.0)),
    "acosh": Guarded("guard_domain", named("acosh"), 1.01, 1e6, (1.0, 0.0)),
    "power": Guarded("guard_domain", lambda x: x**1.5, 1e-2, 1e3, (-1.0,)),
    "digamma": Guarded("guard_domain", named("digamma"), 1e-2, 1e3, (0.0,)),
}


def value_and_slope(of: Of, x: Tensor) -> tuple[Tensor, Tensor]:
    leaf = x.clone().requires_grad_()
    value = of(leaf)
    (slope,) = torch.autograd.grad(value.sum(), leaf)
    return value.detach(), slope


@pytest.mark.parametrize("name", sorted(GUARDED))
@settings(max_examples=10, deadline=None)
@given(places=st.lists(st.floats(0.0, 1.0), min_size=8, max_size=8))
def test_an_ordinary_argument_is_left_alone(name: str, places: list[float]) -> None:
    """Value and gradient are those without the guard, bit for bit."""
    case = GUARDED[name]
    x = case.low + torch.tensor(places) ** 3 * (
        case.high - case.low
    )  # most of them near the low end
    x = x.clamp(case.low, case.high)
    plain = value_and_slope(case.of, x)
    with acting(case.change) as change:
        guarded = value_and_slope(case.of, x)
    assert change.acted == 0
    assert torch.equal(plain[0], guarded[0])
    assert torch.equal(plain[1], guarded[1])


EDGES = sorted((name, edge) for name, case in GUARDED.items() for edge in case.edges)


FINITE = ("atan2", "bce", "linalg_norm", "norm", "std")
"""Where torch itself, in its newer versions, gives a finite gradient at the edge."""


@pytest.mark.parametrize(("name", "edge"), EDGES)
def test_at_the_edge_all_is_finite(name: str, edge: float) -> None:
    """The element at the edge, and its neighbours as they would be without it."""
    case = GUARDED[name]
    fine = torch.tensor([case.low, (case.low + case.high) / 2])
    x = torch.cat([fine, torch.tensor([edge])])
    plain = torch.cat(value_and_slope(case.of, x))
    assert name in FINITE or not torch.isfinite(plain).all()
    with acting(case.change) as change:
        value, slope = value_and_slope(case.of, x)
        alone = value_and_slope(case.of, fine)
    assert change.acted > 0
    assert torch.isfinite(value).all()
    assert torch.isfinite(slope).all()
    assert torch.equal(value[:2], alone[0])
    assert torch.equal(slope[:2], alone[1])


def test_at_the_edge_of_a_cross_entropy_the_gradient_stays_small() -> None:
    x = torch.tensor([0.0, 1.0])
    with acting("guard_log") as change:
        value, slope = value_and_slope(lambda p: F.binary_cross_entropy(p, 1 - x), x)
    assert change.acted == 1
    assert bool((value < 20.0).all())
    assert torch.isfinite(slope).all()


HALF = sorted(
    (name, edge)
    for name, edge in EDGES
    if name in ("log", "log1p", "sqrt", "division", "acos", "atanh", "logit", "exp", "rsqrt")
)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize(("name", "edge"), HALF)
def test_half_precision(name: str, edge: float, kind: torch.dtype) -> None:
    """A guard that is rounded away is none."""
    case = GUARDED[name]
    with acting(case.change) as change:
        value, slope = value_and_slope(case.of, torch.tensor([edge], dtype=kind))
    assert change.acted > 0
    assert torch.isfinite(value).all()
    # the slope of 3/x near 0 is beyond float16 in truth
    assert torch.isfinite(slope).all() or (name in ("division", "rsqrt") and kind is torch.float16)


# ---- what is not a function of one number


def test_ids_are_kept_within_their_table_and_the_table_is_left_alone() -> None:
    table = torch.tensor([[-1.0, 2.0], [-3.0, 4.0]], requires_grad=True)
    with acting("clamp_indices") as change:
        fine = F.embedding(torch.tensor([0, 1]), table)
        assert torch.equal(fine, table)
        named = F.embedding(input=torch.tensor([1]), weight=table)
        assert torch.equal(named[0], table[1])
        assert change.acted == 0
        beyond = F.embedding(torch.tensor([5, -1]), table)
    assert change.acted == 1
    assert torch.equal(beyond, table.flip(0))


def test_a_class_that_is_none_is_not_counted() -> None:
    scores = torch.randn(3, 4)
    with acting("clamp_indices") as change:
        padded = F.cross_entropy(scores, torch.tensor([1, -100, 3]))
        assert change.acted == 0
        outside = nn.CrossEntropyLoss()(scores, torch.tensor([1, 7, 3]))
    assert change.acted == 1
    assert torch.equal(padded, outside)


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss])
def test_a_loss_that_a_script_holds_is_guarded_as_well(loss: Any) -> None:
    scores = torch.randn(3, 4)
    with acting("clamp_indices") as change:  # `loss` is what it was before
        padded = loss(scores, torch.tensor([1, 9, 3]), None, None, 9)
        assert change.acted == 0
        outside = loss(scores, torch.tensor([1, 7, 3]))
        assert change.acted == 1
    assert torch.equal(padded, outside)


PLACES: dict[str, Any] = {
    "gather": lambda table, at: table.gather(1, at[:, None])[:, 0],
    "torch.gather": lambda table, at: torch.gather(table, 1, index=at[:, None])[:, 0],
    "index_select": lambda table, at: torch.index_select(table, dim=1, index=at).diagonal(),
    "subscript": lambda table, at: table[torch.arange(len(at)), at],
    "subscript, a slice": lambda table, at: table[:, at].diagonal(),
}


@pytest.mark.parametrize("way", PLACES)
def test_places_are_kept_within_what_is_looked_up(way: str) -> None:
    table = torch.arange(12.0).view(3, 4)
    with acting("clamp_indices") as change:
        fine = PLACES[way](table, torch.tensor([0, 3, 1]))
        assert change.acted == 0
        beyond = PLACES[way](table, torch.tensor([0, 9, 1]))
    assert change.acted == 1
    assert torch.equal(fine, beyond)
    assert fine.tolist() == [0.0, 7.0, 9.0]


def test_what_is_no_list_of_places_is_left_alone() -> None:
    table = torch.arange(12.0).view(3, 4)
    with acting("clamp_indices") as change:
        assert table[table > 10].tolist() == [11.0]
        assert table[torch.tensor([True, False, False])].tolist() == [[0.0, 1.0, 2.0, 3.0]]
        assert table[-1, 1] == 9.0
        assert table[..., torch.tensor([-1])].tolist() == [[3.0], [7.0], [11.0]]
        assert table[None, :, 1].shape == (1, 3)
        assert table[torch.tensor([-3, 2])].shape == (2, 4)
    assert change.acted == 0


def test_probabilities_are_kept_between_0_and_1() -> None:
    p = torch.tensor([0.2, 0.7])
    with acting("clamp_indices") as change:
        F.binary_cross_entropy(p, torch.tensor([0.0, 1.0]))
        assert change.acted == 0
        loss = F.binary_cross_entropy(p, torch.tensor([-0.5, 2.0]))
    assert change.acted == 1
    assert torch.equal(loss, F.binary_cross_entropy(p, torch.tensor([0.0, 1.0])))


@pytest.mark.parametrize("name", ["huber_loss", "l1_loss", "mse_loss", "smooth_l1_loss"])
def test_a_target_that_is_no_number_teaches_nothing(name: str) -> None:
    def loss(*args: Any, **kwargs: Any) -> Tensor:
        found: Tensor = getattr(F, name)(*args, **kwargs)
        return found

    prediction = torch.tensor([1.0, 2.0], requires_grad=True)
    with acting("mask_targets") as change:
        ordinary = loss(prediction, torch.tensor([0.0, 3.0]))
        assert change.acted == 0
        loss(input=prediction, target=torch.tensor([0.0, math.nan])).backward()
    assert change.acted == 1
    assert torch.equal(ordinary, loss(prediction, torch.tensor([0.0, 3.0])))
    assert prediction.grad is not None
    assert prediction.grad[0] != 0.0
    assert prediction.grad[1] == 0.0


def test_a_masked_target_of_logits_teaches_nothing() -> None:
    logits = torch.tensor([1.0, 2.0], requires_grad=True)
    with acting("mask_targets") as change:
        target = torch.tensor([0.0, math.nan])
        nn.BCEWithLogitsLoss()(logits, target).backward()
    assert change.acted == 1
    assert logits.grad is not None
    assert logits.grad[0] > 0.1
    assert abs(float(logits.grad[1])) < 1e-6


def test_a_row_that_is_masked_as_a_whole() -> None:
    scores = torch.tensor([[1.0, -math.inf], [-math.inf, -math.inf]])
    with acting("guard_softmax") as change:
        found = torch.softmax(scores, -1)
        named = F.softmax(input=scores, dim=-1)
        assert change.acted == 2
        ordinary = torch.randn(2, 3)
        assert torch.equal(ordinary.softmax(-1), F.softmax(ordinary, -1))
        assert change.acted == 2
    assert torch.equal(found, torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
    assert torch.equal(found, named)


@pytest.mark.parametrize("weights", [True, False], ids=["with_weights", "without"])
@pytest.mark.parametrize("boolean", [True, False], ids=["boolean", "added"])
def test_attention_whose_row_is_masked_as_a_whole(weights: bool, boolean: bool) -> None:
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.randn(2, 3, 8)
    mask = torch.zeros(3, 3, dtype=torch.bool)
    mask[1] = True
    given = mask if boolean else torch.zeros(3, 3).masked_fill(mask, -math.inf)
    plain, _ = attention(x, x, x, need_weights=weights, attn_mask=given)
    with acting("guard_softmax") as change:
        found, _ = attention(x, x, x, need_weights=weights, attn_mask=given)
    found.sum().backward()
    assert change.acted > 0
    assert torch.isfinite(found).all()
    rows = [0, 2]
    assert torch.allclose(found[:, rows], plain[:, rows], atol=1e-6)
    gradients = [p.grad for p in attention.parameters() if p.grad is not None]
    assert gradients
    assert all(bool(torch.isfinite(g).all()) for g in gradients)


EMPTY: dict[str, Callable[[Tensor], Tensor]] = {
    "mean": lambda x: x[:0].mean(),
    "masked": lambda x: x[x > 1e9].mean(),
    "mse": lambda x: F.mse_loss(x[:0], x[:0].detach()),
    "all_ignored": lambda x: F.cross_entropy(x.reshape(1, -1), torch.tensor([-100])),
}


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_a_mean_of_nothing_is_0_and_teaches_nothing(name: str) -> None:
    x = torch.randn(4)
    with acting("guard_empty_mean") as change:
        value, slope = value_and_slope(EMPTY[name], x)
    assert change.acted == 1
    assert float(value) == 0.0
    assert torch.equal(slope, torch.zeros(4))


NOT_EMPTY: dict[str, Callable[[], Tensor]] = {
    "mean": lambda: torch.ones(3).mean(),
    "nan": lambda: torch.tensor([1.0, math.nan]).mean(),
    "infinities": lambda: torch.tensor([math.inf, -math.inf]).mean(),
    "nan_target": lambda: F.mse_loss(torch.ones(2), torch.tensor([1.0, math.nan])),
    "infinite_logits": lambda: F.cross_entropy(torch.tensor([[math.inf, 0.0]]), torch.tensor([1])),
}


@pytest.mark.parametrize("name", sorted(NOT_EMPTY))
def test_any_other_nan_is_left_to_be_seen(name: str) -> None:
    """Else a guard would hide the failure of another cause, and prove the wrong one."""
    plain = NOT_EMPTY[name]()
    with acting("guard_empty_mean") as change:
        found = NOT_EMPTY[name]()
    assert change.acted == 0
    assert torch.equal(plain, found) or bool(torch.isnan(found) & torch.isnan(plain))


@pytest.mark.parametrize("fitting", [True, False], ids=["fits", "too_long"])
def test_ctc_of_a_target_that_does_not_fit(fitting: bool) -> None:
    scores = torch.randn(3, 1, 5).log_softmax(-1).requires_grad_()
    targets = torch.tensor([[1, 2]] if fitting else [[1, 2, 3, 4]])
    lengths = torch.tensor([targets.shape[1]])
    plain = F.ctc_loss(scores, targets, torch.tensor([3]), lengths)
    with acting("ctc_zero_infinity") as change:
        found = nn.CTCLoss()(scores, targets, torch.tensor([3]), lengths)
        found.backward()
    assert scores.grad is not None
    assert torch.isfinite(scores.grad).all()
    if fitting:
        assert torch.equal(plain, found)
        assert change.acted == 0
    else:
        assert math.isinf(plain.detach())
        assert float(found.detach()) == 0.0
        assert change.acted >= 1


def test_equal_eigenvalues_are_told_apart() -> None:
    def vectors(x: Tensor) -> Tensor:
        found: Tensor = torch.linalg.eigh(torch.eye(3) * x)[1]
        return found[0, 0].mul(found[1, 1])

    x = torch.tensor([1.0])
    assert not torch.isfinite(value_and_slope(vectors, x)[1]).all()
    with acting("jitter_decomposition") as change:
        assert torch.isfinite(value_and_slope(vectors, x)[1]).all()
        torch.linalg.eigh(torch.ones(2, 2, dtype=torch.complex64))  # is none of its business
    assert change.acted == 1


# ---- what a guard must leave alone


def test_a_nan_stays_a_nan() -> None:
    """Data that are no number are another cause, which no guard may hide."""
    x = torch.tensor([math.nan, 2.0])
    for name in ("log", "sqrt", "division", "exp", "acos", "std", "norm", "whole_power"):
        case = GUARDED[name]
        with acting(case.change):
            assert torch.isnan(case.of(x.clone().requires_grad_())).any(), name
    with acting("guard_sqrt"):
        assert torch.isnan(x.std())


@pytest.mark.parametrize("name", ["Adam", "Adagrad", "RMSprop", "NAdam"])
def test_an_optimizer_works_as_before(name: str) -> None:
    """Its own roots and divisions are no operation of the training."""

    def trained() -> Tensor:
        p = nn.Parameter(torch.ones(3))
        optimizer = getattr(torch.optim, name)([p], lr=0.1, foreach=False)
        for _ in range(3):
            p.grad = torch.tensor([1e-5, 0.0, 1.0])
            optimizer.step()
        return p.detach()

    plain = trained()
    for guard in ("guard_sqrt", "guard_division", "guard_domain", "guard_log"):
        with acting(guard) as change:
            assert torch.equal(trained(), plain)
        assert change.acted == 0


def test_division_by_a_count_of_nothing() -> None:
    counts = torch.tensor([0, -3, 2])
    with acting("guard_division") as change:
        found = torch.ones(3) / counts
        torch.ones(2) / torch.tensor([True, False])
        by_zero = torch.ones(2) / 0
    assert torch.equal(found, torch.ones(3) / torch.tensor([1, -3, 2]))
    assert change.acted == 3
    assert torch.isfinite(by_zero).all()


@pytest.mark.parametrize(
    ("shape", "of"),
    [
        ((1,), lambda x: x.std()),
        ((1,), lambda x: torch.var(x)),
        ((1, 3), lambda x: x.std(0)),
        ((1, 3), lambda x: torch.std(x, dim=0, keepdim=True)),
        ((1, 3), lambda x: x.var(0, unbiased=True)),
        ((1, 3), lambda x: x.std(dim=(0,), correction=1)),
        ((), lambda x: x.std()),
    ],
)
def test_the_spread_of_one_value_is_0(shape: tuple[int, ...], of: Of) -> None:
    alone = torch.ones(shape)
    with acting("guard_division") as change:
        assert torch.equal(of(alone), torch.zeros_like(of(alone)))
        assert change.acted == 2


@pytest.mark.parametrize(
    "of",
    [
        lambda x: x.std(),
        lambda x: x.std(0),
        lambda x: x.var(dim=1, unbiased=False),
        lambda x: torch.std(x, 0, True),
        lambda x: torch.var(x, unbiased=False),
        lambda x: x.std(dim=(0, 1), correction=0),
    ],
)
def test_the_spread_of_several_values_is_as_it_was(of: Of) -> None:
    several = torch.randn(4, 3)
    before = of(several)
    with acting("guard_division") as change:
        assert torch.equal(of(several), before)
        assert change.acted == 0


@pytest.mark.parametrize("name", sorted(catalogue.changes()))
def test_a_change_that_is_undone_leaves_torch_as_it_was(name: str) -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    probe = new_probe(model, torch.optim.Adam(model.parameters()))
    before, mine = attributes(), log
    hooks = len(model._forward_pre_hooks)
    with acting(name, probe):
        pass
    assert attributes() == before
    assert log is mine is torch.log
    assert len(model._forward_pre_hooks) == hooks
    assert not torch.is_autocast_enabled("cpu")


def test_in_effect_it_reaches_a_function_that_a_script_imported() -> None:
    mine = log
    with acting("guard_log"):
        assert log is torch.log is not mine
    assert log is mine
