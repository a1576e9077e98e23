"""The sign of the terms of a loss, read from its graph: first what must not be called negated."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from gradcheck.watch import objective
from gradcheck.watch.objective import Terms

Loss = Callable[[], Tensor]
SAMPLES, WIDTH = 8, 3
Y = torch.linspace(-2.0, 2.0, SAMPLES * WIDTH).reshape(SAMPLES, WIDTH)
P, CLASSES = Y.sigmoid(), torch.arange(SAMPLES) % WIDTH
ADVANTAGES = torch.tensor([1.0, -2.0, 0.5, -0.1, 3.0, -1.0, 0.2, -0.3])


def out(width: int = WIDTH) -> Tensor:
    """What a model makes of a batch."""
    torch.manual_seed(0)
    made: Tensor = nn.Linear(4, width)(torch.randn(SAMPLES, 4))
    return made


def signs(found: Terms) -> Terms:
    """All but whether it is a density, which tests of its own look at."""
    return replace(found, density=False)


def picked() -> Tensor:
    """The logarithm of the probability of each sample's class, or action."""
    return out().log_softmax(1).gather(1, CLASSES[:, None])[:, 0]


def entropy() -> Tensor:
    """What a policy is rewarded for."""
    return -(out().softmax(1) * out().log_softmax(1)).sum(1).mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL of a Gaussian from the standard one, as a VAE has it."""
    return -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum(1).mean()


def apart(other: Tensor) -> Tensor:
    """Distances, sample by sample."""
    distances: Tensor = (out() - other).norm(dim=1)
    return distances


# ---- what must not be said

BOUNDED: dict[str, Loss] = {
    "entropy_bonus": lambda: F.cross_entropy(out(), CLASSES) - 0.01 * entropy(),
    "entropy_alone": lambda: -entropy(),
    "entropy_of_a_distribution": lambda: (
        F.mse_loss(out(), Y) - 0.01 * torch.distributions.Categorical(logits=out()).entropy().mean()
    ),
    "variational": lambda: F.mse_loss(out(), Y) + 0.1 * divergence(out(), out()),
    "variational_sum": lambda: (
        F.binary_cross_entropy_with_logits(out(), P, reduction="sum") + divergence(out(), out())
    ),
    "divergence_of_policies": lambda: (
        (out().log_softmax(1).exp() * (out().log_softmax(1) - P.log_softmax(1))).sum(1).mean()
    ),
    "divergence_by_softmax": lambda: (
        (out().softmax(1) * (out().log_softmax(1) - P.log_softmax(1))).sum(1).mean()
    ),
    "distillation": lambda: F.kl_div(out().log_softmax(1), P.softmax(1), reduction="batchmean"),
    "policy_gradient": lambda: -(picked() * ADVANTAGES).mean(),
    "policy_gradient_of_losses": lambda: -(picked() * -ADVANTAGES.abs()).sum(),
    "actor_and_critic": lambda: (
        -(picked() * ADVANTAGES).mean() + 0.5 * F.mse_loss(out(), Y) - 0.01 * entropy()
    ),
    "clipped_policy": lambda: (
        -torch.min(picked().exp() * ADVANTAGES, picked().exp().clamp(0.8, 1.2) * ADVANTAGES).mean()
    ),
    "actor_of_values": lambda: -out(1).mean(),
    "triplet": lambda: F.relu(apart(Y) - apart(-Y) + 1).mean(),
    "triplet_of_torch": lambda: F.triplet_margin_loss(out(), Y, -Y),
    "soft_triplet": lambda: F.softplus(apart(Y) - apart(-Y)).mean(),
    "preferences": lambda: -F.logsigmoid(picked()[::2] - picked()[1::2]).mean(),
    "critic": lambda: out(1).mean() - out(1).tanh().mean(),
    "critic_with_penalty": lambda: (
        out(1).mean() - out(1).tanh().mean() + 10 * ((out().norm(dim=1) - 1) ** 2).mean()
    ),
    "hinged_judge": lambda: F.relu(1 - out(1)).mean() + F.relu(1 + out(1)).mean(),
    "generator": lambda: F.softplus(-out(1)).mean(),
    "cosine": lambda: (1 - F.cosine_similarity(out(), Y)).mean(),
    "dice": lambda: 1 - 2 * (out().sigmoid() * P).sum() / (out().sigmoid().sum() + P.sum()),
    "weighted_by_uncertainty": lambda: (
        out().exp().mean() * F.mse_loss(out(), Y) + out().mean() - out().exp().mean()
    ),
    "odd_power": lambda: -(out() ** 3).mean(),
    "scaled_by_another_output": lambda: -(F.mse_loss(out(), Y, reduction="none") * out()).mean(),
    "another_output_scaled_by_it": lambda: -(out() * (out() - Y) ** 2).mean(),
    "scaled_by_an_unknown_sign": lambda: (F.mse_loss(out(), Y) * ADVANTAGES).sum(),
    "scaled_by_zero": lambda: -0.0 * F.mse_loss(out(), Y),
    "divisor": lambda: -1.0 / F.mse_loss(out(), Y),
    "divisor_of_a_number": lambda: -(torch.tensor(2.0) / F.mse_loss(out(), Y)),
    "divisor_of_what_is_positive": lambda: -(out().exp() / (out() - Y) ** 2).mean(),
    "quotient": lambda: -out().mean() / F.mse_loss(out(), Y),
}


@pytest.mark.parametrize("name", BOUNDED)
def test_nothing_is_said_to_be_raised(name: str) -> None:
    assert objective.terms(BOUNDED[name]()).raised == ()


@pytest.mark.parametrize("name", ["policy_gradient", "odd_power", "actor_of_values", "critic"])
def test_nor_where_all_of_it_has_the_other_sign(name: str) -> None:
    terms = objective.terms(-BOUNDED[name]())
    assert (terms.lowered, terms.raised) == ((), ())


@pytest.mark.parametrize("name", BOUNDED)
def test_what_is_weighed_by_numbers_of_both_signs(name: str) -> None:
    weighed = {"policy_gradient", "actor_and_critic", "scaled_by_an_unknown_sign"}
    assert objective.terms(BOUNDED[name]()).weighed == (name in weighed)


# ---- what is lowered, and raised where it is negated


def gaussian(log_variance: Tensor) -> Tensor:
    """A likelihood with a variance that is learned as well."""
    return (0.5 * (log_variance + (Y - out()) ** 2 / log_variance.exp())).mean()


def laplacian(scale: Tensor) -> Tensor:
    """The same of absolute errors, with a scale that cannot be 0."""
    return ((Y - out()).abs() / (F.softplus(scale) + 1e-6)).mean()


ERRORS: dict[str, tuple[Loss, str]] = {
    "cross_entropy": (lambda: F.cross_entropy(out(), CLASSES), "NllLoss"),
    "per_sample": (lambda: F.cross_entropy(out(), CLASSES, reduction="none").mean(), "NllLoss"),
    "per_pixel": (lambda: F.cross_entropy(out()[..., None], CLASSES[:, None]), "NllLoss2D"),
    "nll": (lambda: F.nll_loss(out().log_softmax(1), CLASSES), "NllLoss"),
    "gathered": (lambda: -picked().mean(), "LogSoftmax"),
    "indexed": (lambda: -out().log_softmax(1)[range(SAMPLES), CLASSES].mean(), "LogSoftmax"),
    "log_sigmoid": (lambda: -F.logsigmoid(out()).mean(), "LogSigmoid"),
    "mse": (lambda: F.mse_loss(out(), Y), "MseLoss"),
    "sum_over_outputs": (lambda: F.mse_loss(out(), Y, reduction="none").sum(1).mean(), "MseLoss"),
    "by_hand": (lambda: ((out() - Y) ** 2).mean(), "a squared error"),
    "square": (lambda: (out() - Y).square().sum() / SAMPLES, "a squared error"),
    "bce": (lambda: F.binary_cross_entropy(out().sigmoid(), P), "BinaryCrossEntropy"),
    "bce_of_logits": (
        lambda: F.binary_cross_entropy_with_logits(out(), P), "BinaryCrossEntropyWithLogits"
    ),
    "l1": (lambda: F.l1_loss(out(), Y), "Abs"),
    "abs": (lambda: (out() - Y).abs().mean(), "Abs"),
    "smooth_l1": (lambda: F.smooth_l1_loss(out(), Y), "SmoothL1Loss"),
    "huber": (lambda: F.huber_loss(out(), Y), "HuberLoss"),
    "norm": (lambda: (out() - Y).norm(), "LinalgVectorNorm"),
    "norms": (lambda: torch.linalg.vector_norm(out() - Y, dim=1).mean(), "LinalgVectorNorm"),
    "hinge": (lambda: F.relu(1 - out()).mean(), "Relu"),
    "gaussian": (lambda: gaussian(out()), "a squared error"),
    "laplacian": (lambda: laplacian(out()), "Abs"),
    "several_losses": (lambda: torch.stack([F.mse_loss(out(), Y)] * 3).mean(), "MseLoss"),
    "in_half": (lambda: F.mse_loss(out().half(), Y.half()).float(), "MseLoss"),
}  # fmt: skip
NEGATED: dict[str, Callable[[Tensor], Tensor]] = {
    "negated": lambda loss: -loss,
    "times_a_constant": lambda loss: -0.5 * loss,
    "times_a_number": lambda loss: loss * torch.tensor(-3.0),
    "divided": lambda loss: loss / -4,
    "from_a_constant": lambda loss: 1 - loss,
    "subtracted": lambda loss: out().mean() - loss,
    "three_times": lambda loss: -(-1.0 * -loss),
}
KEPT: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda loss: loss,
    "times_a_constant": lambda loss: 0.25 * loss,
    "times_a_number": lambda loss: loss * torch.tensor(1024.0),
    "accumulated": lambda loss: loss / 8,
    "negated_twice": lambda loss: -(-2.0 * loss),
    "beside_another": lambda loss: out().mean() + loss.squeeze().clone(),
}


@pytest.mark.parametrize("sign", KEPT)
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_lowered(name: str, sign: str) -> None:
    make, what = ERRORS[name]
    found = objective.terms(KEPT[sign](make()))
    assert signs(found) == Terms(lowered=(what,))
    assert not found.negated


@pytest.mark.parametrize("sign", NEGATED)
@pytest.mark.parametrize("name", ERRORS)
def test_a_negated_error_is_raised(name: str, sign: str) -> None:
    make, what = ERRORS[name]
    found = objective.terms(NEGATED[sign](make()))
    if sign == "subtracted" and what.startswith("Log"):
        assert signs(found) == Terms()  # beside something unknown it may be part of a divergence
        return
    assert signs(found) == Terms(raised=(what,))
    assert found.negated


def test_an_error_beside_one_that_is_subtracted() -> None:
    found = objective.terms(F.cross_entropy(out(), CLASSES) - 0.1 * F.mse_loss(out(), Y))
    assert found == Terms(("NllLoss",), ("MseLoss",))
    assert not found.negated


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_multiplication_with_a_loss_scale_is_passed_over(sign: float) -> None:
    """On a GPU nobody looks at the number: that would wait for all that was asked of it."""
    loss = sign * F.mse_loss(out(), Y)
    unknown = loss * ADVANTAGES[0].expand(1)  # as a factor that cannot be read
    assert objective.terms(unknown) == Terms()
    found = objective.terms(unknown, scaled=True)
    assert (found.lowered, found.raised) == ((("MseLoss",), ()) if sign > 0 else ((), ("MseLoss",)))


# ---- what is left alone


def test_a_loss_without_a_graph() -> None:
    assert objective.terms(torch.ones(())) == Terms()
    assert objective.terms(torch.ones((), requires_grad=True), scaled=True) == Terms()
    assert objective.terms(out().mean()) == Terms()


def test_what_lies_behind_a_network_is_none_of_its_terms() -> None:
    hidden = F.relu(out())
    assert objective.terms(-nn.Linear(WIDTH, 1)(hidden).mean()) == Terms()
    assert objective.terms(-hidden.tanh().mean()) == Terms()


def test_a_long_sum_is_not_read_to_its_end() -> None:
    loss = -F.mse_loss(out(), Y)
    for _ in range(objective.MOST_NODES):
        loss = loss + 1
    assert objective.terms(loss) == Terms()


def test_where_every_operation_is_looked_at_none_is_made() -> None:
    class Looker(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            seen.append(func)
            return func(*args, **(kwargs or {}))

    seen: list[object] = []
    loss = F.mse_loss(out(), Y) * torch.tensor(-3.0)
    with Looker():
        assert objective.terms(loss) == Terms()
    assert seen == []


def test_reading_leaves_the_graph_as_it_was() -> None:
    w = torch.ones(3, requires_grad=True)
    loss = (w**2).sum() * torch.tensor(-2.0)
    before = torch.random.get_rng_state()
    objective.terms(loss)
    loss.backward()
    assert w.grad is not None
    assert w.grad.tolist() == [-4.0] * 3
    assert torch.equal(torch.random.get_rng_state(), before)


# ---- what looks like a wrong sign


def per_step(rewards: Tensor) -> Tensor:
    """A policy gradient, summed up step by step."""
    chosen = [out()[at].log_softmax(0)[CLASSES[at]] for at in range(SAMPLES)]
    return torch.stack([-c * float(r) for c, r in zip(chosen, rewards, strict=False)]).sum()


INNOCENT: dict[str, Loss] = {
    "rewards of either sign": lambda: per_step(ADVANTAGES),
    "an estimate of a divergence": lambda: (
        (out() - out().log_softmax(1)).exp() - (out() - out().log_softmax(1)) - 1
    ).mean(),
    "one minus a squared cosine": lambda: 1 - (F.cosine_similarity(out(), Y) ** 2).mean(),
    "one minus a cosine's size": lambda: 1 - F.cosine_similarity(out(), Y).abs().mean(),
}


@pytest.mark.parametrize("name", INNOCENT)
def test_what_has_a_bound_of_its_own_is_not_raised(name: str) -> None:
    assert objective.terms(INNOCENT[name]()).raised == ()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_term_that_is_added_times_minus_one(sign: int) -> None:
    error, other = F.mse_loss(out(), Y), F.cross_entropy(out(), CLASSES)
    assert objective.terms(torch.add(other, error, alpha=sign)).negated is False
    assert ("MseLoss" in objective.terms(torch.add(other, error, alpha=sign)).raised) == (sign < 0)
    assert ("MseLoss" in objective.terms(torch.sub(other, error, alpha=sign)).raised) == (sign > 0)
    assert objective.terms(torch.tensor(-3.0) * error).negated


def test_hooks_of_saved_tensors_are_left_alone() -> None:
    """Unpacking would compute a checkpointed part again, and change its running statistics."""
    calls: list[Tensor] = []

    def unpack(kept: Tensor) -> Tensor:
        calls.append(kept)
        return kept

    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, unpack):
        loss = (out() - Y).square().mean() * torch.tensor(-2.0)
    objective.terms(loss)
    assert calls == []
