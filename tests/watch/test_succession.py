"""Optimizers that take over from others, and others that only look like it."""

# mypy: allow-untyped-calls
from __future__ import annotations

from torch import nn
from torch.optim import SGD

from gradcheck.watch.followed import Followed, Step
from gradcheck.watch.names import Registry
from gradcheck.watch.optimizers import LEAST_STEPS, Optimizers
from gradcheck.watch.rows import place_of


def steps(optimizers: Optimizers, followed: Followed, count: int) -> None:
    for _ in range(count):
        optimizers.remember(followed, Step(followed.place, followed.steps, 1.0, 1.0, (), 0.1))


def sgd(width: int = 3) -> SGD:
    return SGD(nn.Linear(width, 1).parameters(), 0.1)


def places(optimizers: Optimizers) -> list[int]:
    return [one.place for one in optimizers]


def test_one_of_a_model_alike_takes_over() -> None:
    optimizers, first, second = Optimizers(Registry()), sgd(), sgd()
    steps(optimizers, optimizers.follow(first), LEAST_STEPS)
    successor = optimizers.follow(second)
    assert (len(optimizers), successor.place, successor.begun_at) == (1, 0, LEAST_STEPS)
    steps(optimizers, successor, 2)
    assert [step for step, *_ in optimizers.trail] == [LEAST_STEPS, LEAST_STEPS + 1]


def test_one_that_was_retired_comes_back_as_another() -> None:
    optimizers, first, second = Optimizers(Registry()), sgd(), sgd()
    steps(optimizers, optimizers.follow(first), LEAST_STEPS)
    steps(optimizers, optimizers.follow(second), 3)
    assert optimizers.follow(first).place == 1
    assert places(optimizers) == [0, 1]
    assert optimizers.follow(second).place == 0


def test_no_successor() -> None:
    cases = {
        "of another model": (LEAST_STEPS, 5),
        "after a few steps": (LEAST_STEPS - 1, 3),
        "made at the beginning": (0, 3),
    }
    for words, (count, width) in cases.items():
        optimizers, first, second = Optimizers(Registry()), sgd(), sgd(width)
        steps(optimizers, optimizers.follow(first), count)
        optimizers.follow(second)
        assert places(optimizers) == [0, 1], words


def test_of_two_that_take_turns_none_is_replaced() -> None:
    optimizers, first, second, third = Optimizers(Registry()), sgd(), sgd(), sgd()
    for one in (first, second):
        optimizers.follow(one)
    for one in (first, second):
        steps(optimizers, optimizers.follow(one), LEAST_STEPS)
    optimizers.follow(third)
    assert places(optimizers) == [0, 1, 2]


# ---- several at once


def test_the_tick_of_a_step_counts_the_steps_of_all() -> None:
    optimizers = Optimizers(Registry())
    critic, actor = (optimizers.follow(one) for one in (sgd(), sgd(2)))
    for _ in range(10):
        steps(optimizers, critic, 5)
        steps(optimizers, actor, 1)
    assert [optimizers.tick_of(0, step) for step in (0, 4, 5, 49)] == [0, 4, 6, 58]
    assert [optimizers.tick_of(1, step) for step in (0, 1, 9, 10)] == [5, 11, 59, 65]
    assert (optimizers.ticks_a_step(0), optimizers.ticks_a_step(1)) == (2, 6)
    assert optimizers.ticks == 60


def test_before_anything_is_known_all_step_together() -> None:
    optimizers = Optimizers(Registry())
    for one in (sgd(), sgd(2)):
        steps(optimizers, optimizers.follow(one), 1)
    assert (optimizers.ticks_a_step(0), optimizers.tick_of(2, 3)) == (2, 6)


def test_two_losses_never_share_a_name() -> None:
    optimizers = Optimizers(Registry())
    made = sgd(), sgd(2), sgd(4)
    first, second, third = map(optimizers.follow, made)
    for one, name in ((first, "loss"), (second, "loss"), (third, None), (first, "other")):
        optimizers.name_loss(one, name)
    assert [one.loss_name for one in (first, second, third)] == ["loss", "loss_1", None]
    names = ("loss", "loss/loss", "loss/loss_1", "loss/optimizer_2", "grad_norm")
    known = [place_of(name, optimizers.loss_names) for name in names]
    assert known == [0, 0, 1, 2, 0]


def test_whose_a_series_is() -> None:
    assert place_of("optimizer_11/grad_norm", {}) == 11
    others = ("optimizer_1/learning_rate", "layers/a/grad_norm", "loss/unknown", "loss_scale")
    assert [place_of(name, {}) for name in others] == [None] * 4
