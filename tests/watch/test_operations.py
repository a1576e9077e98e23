"""What is said of one operation: which of its arguments it cannot take, and in which rows."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from gradcheck.watch.domains import AT_EDGE
from gradcheck.watch.nodes import Node
from gradcheck.watch.operations import LOOKS, judge
from gradcheck.watch.trace import Trace

ONE = torch.ones(3, 2)
MASKED = torch.tensor([[0.0, -math.inf]])


def column(*values: float, kind: torch.dtype = torch.float32) -> Tensor:
    return torch.tensor(values, dtype=kind).reshape(-1, 1)


def traced(run: Callable[[], Any]) -> list[Node]:
    """The operations of a function that gave something that is not finite."""
    trace = Trace({})
    torch.autograd.set_detect_anomaly(True, check_nan=False)
    try:
        with trace:
            run()
    finally:
        torch.autograd.set_detect_anomaly(False)
    return trace.nodes


def backward(of: Callable[[Tensor], Tensor], x: Tensor) -> Callable[[], None]:
    def run() -> None:
        of(x.clone().requires_grad_()).sum().backward()

    return run


FORWARD: dict[str, tuple[Callable[[], Any], str, tuple[int, ...]]] = {
    "log_0": (lambda: torch.log(column(1, 0, 2)), "log_of_zero_ran", (1,)),
    "log2_0": (lambda: torch.log2(column(0, 1)), "log_of_zero_ran", (0,)),
    "log10_negative": (lambda: torch.log10(column(1, -2)), "argument_left_domain", (1,)),
    "log_in_place": (lambda: column(1, 0).log_(), "log_of_zero_ran", (1,)),
    "log1p": (lambda: torch.log1p(column(0, -1)), "log_of_zero_ran", (1,)),
    "xlogy": (lambda: torch.xlogy(ONE, ONE * 0), "log_of_zero_ran", (0, 1, 2)),
    "logit_0": (lambda: torch.logit(column(0.5, 0)), "argument_left_domain", (1,)),
    "logit_negative": (lambda: torch.logit(column(-0.5, 0.5)), "argument_left_domain", (0,)),
    "0_by_0": (lambda: column(0, 1) / column(0, 1), "division_by_zero_ran", (0,)),
    "1_by_0": (lambda: column(1, 1) / column(1, 0), "division_by_zero_ran", (1,)),
    "by_number": (lambda: column(1, 1) / 0, "division_by_zero_ran", (0, 1)),
    "number_by": (lambda: 1 / column(1, 0), "division_by_zero_ran", (1,)),
    "by_almost_0": (lambda: column(1, 1) / column(1, 1e-40), "division_by_zero_ran", (1,)),
    "broadcast": (lambda: torch.ones(3, 2) / column(1, 0, 1), "division_by_zero_ran", (1,)),
    "in_place": (lambda: column(1, 2).div_(column(0, 1)), "division_by_zero_ran", (0,)),
    "remainder": (lambda: torch.remainder(column(1), column(0)), "division_by_zero_ran", (0,)),
    "rsqrt_0": (lambda: torch.rsqrt(column(0, 1)), "division_by_zero_ran", (0,)),
    "sqrt_negative": (lambda: torch.sqrt(column(1, -1)), "argument_left_domain", (1,)),
    "pow_fraction": (lambda: column(1, -2) ** 0.5, "argument_left_domain", (1,)),
    "pow_tensor": (lambda: torch.pow(column(-2, 2), 1.5 * ONE[:2, :1]),
        "argument_left_domain", (0,)),
    "0_pow_-1": (lambda: column(1, 0) ** -1.0, "division_by_zero_ran", (1,)),
    "acos": (lambda: torch.acos(column(0, 1.5)), "argument_left_domain", (1,)),
    "asin": (lambda: torch.asin(column(-2, 0)), "argument_left_domain", (0,)),
    "atanh_1": (lambda: torch.atanh(column(0, 1)), "argument_left_domain", (1,)),
    "erfinv": (lambda: torch.erfinv(column(2, 0)), "argument_left_domain", (0,)),
    "acosh": (lambda: torch.acosh(column(2, 0.5)), "argument_left_domain", (1,)),
    "lgamma": (lambda: torch.lgamma(column(-0.5, 0)), "argument_left_domain", (1,)),
    "exp": (lambda: torch.exp(column(1, 89)), "exponential_overflowed", (1,)),
    "sinh": (lambda: torch.sinh(column(1, 100)), "exponential_overflowed", (1,)),
    "exp_half": (lambda: torch.exp(column(1, 20, kind=torch.float16)), "half_overflowed", (1,)),
    "softmax": (lambda: torch.softmax(torch.full((2, 3), -math.inf), 1),
        "softmax_row_masked", (0, 1)),
    "softmax_dim_0": (lambda: torch.softmax(torch.full((2, 3), -math.inf), 0),
        "softmax_row_masked", (0, 1, 2)),
    "log_softmax": (lambda: F.log_softmax(torch.full((2, 3), -math.inf), -1),
        "softmax_row_masked", (0, 1)),
    "std_1": (lambda: torch.std(torch.ones(1)), "statistic_of_one", (0,)),
    "var_1": (lambda: torch.var(torch.ones(3, 1), 1), "statistic_of_one", ()),
    "mean_0": (lambda: torch.zeros(0, 3).mean(), "no_target_counted", ()),
    "ignored": (lambda: F.cross_entropy(ONE, torch.full((3,), -100)),
        "no_target_counted", (0, 1, 2)),
    "ignored_own": (lambda: F.nll_loss(ONE, torch.full((3,), 1), ignore_index=1),
        "no_target_counted", (0, 1, 2)),
    "weightless": (lambda: F.nll_loss(ONE, torch.tensor([0, 0, 0]), torch.tensor([0.0, 1])),
        "no_target_counted", ()),
    "product": (lambda: column(1e30) @ column(1e30), "float_overflowed", ()),
    "square": (lambda: column(1e30) ** 2, "float_overflowed", ()),
    "half_product": (lambda: column(300, kind=torch.float16) * 300, "half_overflowed", ()),
    "to_half": (lambda: torch.full((2,), 7e4).half(), "half_overflowed", ()),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
@pytest.mark.parametrize("name", FORWARD)
def test_out_of_domain(name: str) -> None:
    run, key, rows = FORWARD[name]
    nodes = [node for node in traced(run) if not node.op.endswith(("fill_", "full"))]
    assert nodes, name
    assert nodes[0].verdict.key == key, nodes[0]
    assert nodes[0].verdict.rows == rows
    assert nodes[0].verdict.words
    assert nodes[0].line is not None
    assert nodes[0].line.file == __file__


def test_the_edge_of_a_domain_is_told_from_what_lies_beyond() -> None:
    at_edge = {"logit_0", "atanh_1"}
    for name in ("logit_0", "logit_negative", "acos", "asin", "atanh_1", "erfinv", "acosh"):
        (node, *_) = traced(FORWARD[name][0])
        assert (AT_EDGE in node.verdict.values) is (name in at_edge), name
        assert ("edge" in node.verdict.words) is (name in at_edge), name


HARMLESS: dict[str, Callable[[], Any]] = {
    "log": lambda: torch.log(column(1e-30, 5)),
    "sqrt_0": lambda: torch.sqrt(column(0, 1)),
    "acos_1": lambda: torch.acos(column(1, -1)),
    "exp_low": lambda: torch.exp(column(-1000, 88)),
    "0_by_1": lambda: column(0) / column(1),
    "0_pow_0": lambda: column(0) ** 0,
    "pow_whole": lambda: column(-3) ** 3,
    "masked": lambda: torch.softmax(MASKED, 1),
    "std_2": lambda: torch.std(torch.ones(2)),
    "empty": lambda: torch.log(torch.zeros(0)),
    "uninitialised": lambda: torch.empty(7).numel(),
    "kept": lambda: F.cross_entropy(ONE, torch.tensor([1, -100, -100])),
    "integers": lambda: torch.arange(4) // 2,
}


@pytest.mark.parametrize("name", HARMLESS)
def test_in_domain(name: str) -> None:
    assert traced(HARMLESS[name]) == []


DERIVATIVES: dict[str, tuple[Callable[[], Any], str]] = {
    "sqrt": (backward(torch.sqrt, column(1, 0)), "the square root at 0"),
    "norm": (backward(lambda x: x.pow(2).sum(1).sqrt(), column(1, 0)), "the square root at 0"),
    "pow": (backward(lambda x: x**0.5, column(1, 0)), "a power at 0"),
    "acos": (backward(torch.acos, column(1)), "arccos"),
    "where": (
        backward(lambda x: torch.where(x > 0, x.sqrt(), x), column(0, 1)),
        "the square root at 0",
    ),
}


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name: str) -> None:
    run, words = DERIVATIVES[name]
    node = traced(run)[0]
    assert node.phase == "backward"
    assert node.verdict.key == "gradient_undefined"
    assert words in node.verdict.words
    assert node.line is not None
    assert node.line.file == __file__


NEAR: dict[str, tuple[Callable[[Tensor], Tensor], str]] = {
    "log": (lambda x: torch.log(x) * 1e5, "log_of_zero_ran"),
    "quotient": (lambda x: x.detach() * 2 / x, "division_by_zero_ran"),
}


@pytest.mark.parametrize("name", NEAR)
def test_a_slope_beside_a_pole(name: str) -> None:
    """The value is finite, since its argument is not quite 0; the derivative overflows."""
    of, key = NEAR[name]
    node = traced(backward(of, column(1e-40, 1)))[0]
    assert (node.phase, node.verdict.key, node.verdict.rows) == ("backward", key, (0,))
    assert "almost 0" in node.verdict.words


def test_a_derivative_leaves_half_precision() -> None:
    x = torch.full((1, 2), 3e3, dtype=torch.float16)
    run = backward(lambda x: (x * 3e2) * 3e2 / 3e4 / 3e4 / 10, x)
    assert [node.phase for node in traced(run)[:1]] == ["forward"]
    node = traced(backward(lambda x: ((x * 1e-3) * 300) * 300, x))[0]
    assert node.verdict.key in ("half_overflowed", "half_gradient_overflowed")


ELEMENTWISE: dict[str, Callable[[Tensor], Tensor]] = {
    "log": torch.log, "log2": torch.log2, "log10": torch.log10, "log1p": torch.log1p,
    "sqrt": torch.sqrt, "rsqrt": torch.rsqrt, "reciprocal": torch.reciprocal,
    "acos": torch.acos, "asin": torch.asin, "atanh": torch.atanh, "acosh": torch.acosh,
    "logit": torch.logit, "exp": torch.exp, "expm1": torch.expm1, "cosh": torch.cosh,
    "erfinv": torch.erfinv,
}  # fmt: skip
SANE = st.floats(-1e4, 1e4, width=32, allow_subnormal=False)


@pytest.mark.parametrize("name", ELEMENTWISE)
@given(
    values=st.lists(SANE | st.sampled_from([0.0, 1.0, -1.0, 0.5, 100.0]), min_size=1, max_size=6)
)
@settings(max_examples=40, deadline=None)
def test_every_failure_of_an_elementwise_operation_is_explained(
    name: str, values: list[float]
) -> None:
    x = column(*values)
    result = ELEMENTWISE[name](x)
    bad = {row for row, value in enumerate(result.flatten().tolist()) if not math.isfinite(value)}
    assume(bad)
    verdict = judge(name, (x,), {}, [result])
    assert verdict.key != "operation_undefined"
    assert set(verdict.rows) <= bad
    assert verdict.rows


@given(
    above=st.lists(SANE, min_size=3, max_size=3), below=st.lists(SANE | st.just(0.0), min_size=3,
                                                               max_size=3)
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_quotients(above: list[float], below: list[float]) -> None:
    x, y = column(*above), column(*below)
    assume(0.0 in below)
    verdict = judge("div", (x, y), {}, [x / y])
    assert verdict.key == "division_by_zero_ran"
    assert set(verdict.rows) == {row for row, value in enumerate(below) if value == 0}


def odd_arguments() -> Iterator[tuple[Any, ...]]:
    """Arguments of kinds and shapes that few looks expect."""
    kinds = (torch.float32, torch.float16, torch.complex64, torch.int64, torch.bool)
    made = [torch.ones(shape).to(kind) for shape in ((), (0,), (2, 3)) for kind in kinds]
    others = [None, 0, -1.5, True, "mean", [], [0], [None], (1, 2)]
    for first in made:
        yield (first,)
        for second in (*made, *others):
            yield first, second
            yield first, second, None, [1], -100, torch.ones(2, 2), torch.zeros(2).bool()


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_nothing_makes_a_look_raise(name: str) -> None:
    """A replay would end by it."""
    for args in odd_arguments():
        for shape in ((), (2, 3)):
            assert judge(name, args, {}, [torch.full(shape, math.nan)]).key


def test_complex_numbers() -> None:
    zero = torch.zeros(2, dtype=torch.complex64)
    for run in (lambda: torch.log(zero), lambda: zero / zero, lambda: zero**-1.5):
        assert all(node.verdict.key for node in traced(run))
