"""Changes of updates and of data, one call at a time, in the test's own process."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gradcheck.proving import EXAMINATIONS
from gradcheck.watch.changes import catalogue
from gradcheck.watch.changes.base import LEAD, Change, Trouble
from gradcheck.watch.changes.several import Several
from gradcheck.watch.loading import DROP
from tests.watch.changes.acting import acting, followed_of, new_probe


def gradients(*values: float) -> tuple[nn.Parameter, torch.optim.SGD]:
    p = nn.Parameter(torch.zeros(len(values)))
    p.grad = torch.tensor(values)
    return p, torch.optim.SGD([p], lr=0.1)


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=5))
def test_only_gradients_that_are_too_long_are_clipped(values: list[float]) -> None:
    p, optimizer = gradients(*values)
    probe = new_probe(None, optimizer)
    followed = followed_of(probe)
    assert p.grad is not None
    before = p.grad.clone()
    with acting("clip_gradients", probe, Trouble(0, norm=2.0)) as change:
        change.before_update(optimizer, followed, 0)
    if followed.norm <= 2.0:
        assert change.acted == 0
        assert torch.equal(p.grad, before)
    else:
        assert change.acted == 1
        assert float(p.grad.norm()) == pytest.approx(2.0, rel=1e-4)
        assert torch.allclose(p.grad / 2.0, before / before.norm(), atol=1e-5)


def test_a_gradient_that_is_not_finite_is_not_clipped() -> None:
    p, optimizer = gradients(math.inf, 1.0)
    probe = new_probe(None, optimizer)
    with acting("clip_gradients", probe) as change:
        change.before_update(optimizer, followed_of(probe), 0)
    assert change.acted == 0
    assert p.grad is not None
    assert math.isinf(p.grad[0])


RATES = {"lower_learning_rate": 0.01, "hold_learning_rate": 0.05}


@pytest.mark.parametrize("name", sorted(RATES))
def test_a_rate_is_lower_within_a_step_only(name: str) -> None:
    """So that a schedule goes on from the script's own rate."""
    _, optimizer = gradients(1.0)
    probe = new_probe(None, optimizer)
    with acting(name, probe, Trouble(0, rate=0.05)) as change:
        for _ in range(2):
            change.before_step(optimizer)
            assert optimizer.param_groups[0]["lr"] == pytest.approx(RATES[name])
            change.after_update(optimizer, followed_of(probe))
            assert optimizer.param_groups[0]["lr"] == 0.1
    assert change.acted == 2


@pytest.mark.parametrize("rate", [None, 0.1, 0.2])
def test_a_rate_that_did_not_jump_is_left_alone(rate: float | None) -> None:
    _, optimizer = gradients(1.0)
    with acting("hold_learning_rate", new_probe(None, optimizer), Trouble(0, rate=rate)) as change:
        change.before_step(optimizer)
        assert optimizer.param_groups[0]["lr"] == 0.1
    assert change.acted == 0


@pytest.mark.parametrize("name", ["lower_beta2", "raise_epsilon"])
@pytest.mark.parametrize("optimizer", ["Adafactor", "Adam", "RMSprop", "SGD"])
def test_settings_come_back(name: str, optimizer: str) -> None:
    p = nn.Parameter(torch.ones(2, 2))
    made = getattr(torch.optim, optimizer)([p], lr=0.1)
    before = dict(made.param_groups[0])
    probe = new_probe(None, made)
    followed = next(iter(probe.optimizers))
    with acting(name, probe) as change:
        change.before_update(made, followed, 0)
        change.before_update(made, followed, 1)
        changed = dict(made.param_groups[0])
    assert made.param_groups[0] == before
    acts = optimizer == "Adam" or (optimizer == "RMSprop" and name == "raise_epsilon")
    assert (changed != before) is acts
    assert change.acted == int(acts)


def test_a_shorter_memory_means_the_same_at_first() -> None:
    """Adam corrects its moments by how long it remembers: else its steps would leap."""

    def moved(lowered: bool) -> Tensor:
        p = nn.Parameter(torch.zeros(2))
        optimizer = torch.optim.Adam([p], lr=0.1, betas=(0.0, 0.999))
        probe = new_probe(None, optimizer)
        change = catalogue.make("lower_beta2", probe, Trouble(0))
        for step in range(12):
            p.grad = torch.tensor([0.5, -3.0])
            if lowered and step == 10:
                change.before_update(optimizer, next(iter(probe.optimizers)), step)
            optimizer.step()
        return p.detach()

    assert torch.allclose(moved(True), moved(False), rtol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    drawn=st.lists(st.integers(0, 9), max_size=8),
    bad=st.lists(st.integers(0, 9), max_size=4).map(tuple),
)
def test_samples_are_left_out_and_no_others(drawn: list[int], bad: tuple[int, ...]) -> None:
    change = catalogue.make("without_samples", new_probe(), Trouble(0, samples=bad))
    kept = change.index(drawn)
    good = [one for one in drawn if one not in bad]
    assert kept == (good or drawn)  # a batch of nothing else stays as it is
    assert change.acted == int(0 < len(good) < len(drawn))


@pytest.mark.parametrize("index", [7, None, "seven", (1, 2)])
def test_what_is_no_list_of_indices_passes(index: Any) -> None:
    change = catalogue.make("without_samples", new_probe(), Trouble(0, samples=(1, 7)))
    assert change.index(index) is index
    assert change.acted == 0


def test_smaller_batches_are_dropped() -> None:
    change = catalogue.make("drop_small_batches", new_probe(), Trouble(0))
    batches = [[1, 2, 3], [4, 5, 6], [7], None, [8, 9, 10, 11], [1, 2, 3]]
    given = [change.batch(None, at, batch) for at, batch in enumerate(batches)]
    assert given == [0, 1, DROP, 3, 4, DROP]
    assert change.acted == 2


def test_steps_on_fewer_rows_are_left_out_where_no_loader_makes_the_batches() -> None:
    model = nn.Linear(3, 1)
    with acting("drop_small_batches", new_probe(model)) as change:
        told = []
        nothing: Any = None
        for rows in (4, 4, 1, 4, 3):
            model(torch.zeros(rows, 3))
            told.append(change.rescue(nothing, 0))
        assert told == [False, False, True, False, True]
        assert change.rescue(nothing, 0) is False  # no model ran
        assert change.acted == 2
        change.batch(None, "x", [1, 2])
        model(torch.zeros(1, 3))
        assert change.rescue(nothing, 0) is False  # a loader makes them: it drops them
    model(torch.zeros(1, 3))


def test_inputs_are_made_finite_and_others_pass() -> None:
    model = nn.Linear(3, 1)
    seen: list[Tensor] = []
    model.register_forward_hook(lambda module, args, out: seen.append(args[0]))
    fine, bad = torch.randn(2, 3), torch.tensor([[1.0, math.nan, -math.inf]])
    with acting("replace_nonfinite_inputs", new_probe(model)) as change:
        model(fine)
        assert change.acted == 0
        model(bad)
        assert change.acted == 1
        # the target of an autoencoder is its input
        assert torch.equal(bad, torch.tensor([[1.0, 0.0, 0.0]]))
        model(bad[:, :1].expand(1, 3) * math.nan)
        model(torch.tensor([[math.nan]]).expand(1, 3))
        assert all(bool(one.isfinite().all()) for one in seen)
    assert seen[0] is fine
    assert torch.equal(bad.nan_to_num(9.0, 9.0, 9.0), torch.tensor([[1.0, 9.0, 9.0]]))
    model(bad)
    assert torch.isnan(seen[-1]).any()


def test_memory_that_is_not_torchs_is_not_written_to(tmp_path: Path) -> None:
    np.save(tmp_path / "shard.npy", np.array([[1.0, np.nan, 3.0]], np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is read only
        mapped = torch.from_numpy(np.load(tmp_path / "shard.npy", mmap_mode="r"))
    model = nn.Linear(3, 1)
    with acting("replace_nonfinite_inputs", new_probe(model)) as change:
        assert bool(model(mapped).isfinite().all())
        assert change.acted == 1
    assert torch.isnan(mapped).any()


@pytest.mark.parametrize("shape", [(64, 3), (4, 3, 8, 8)])
def test_inputs_are_standardised_by_the_first_batch(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    model = nn.Identity()
    x = torch.randn(shape) * 7 + 500
    with acting("scale_inputs", new_probe(nn.Sequential(model))):
        change = catalogue.make("scale_inputs", new_probe(), Trouble(0))
        found = change._mend(x)  # type: ignore[attr-defined]
        again = change._mend(x + 7)  # type: ignore[attr-defined]
    assert abs(float(found.mean())) < 1e-3
    assert float(found.std()) == pytest.approx(1.0, rel=0.05)
    assert float(again.mean()) == pytest.approx(1.0, rel=0.1)


def test_half_precision_weights_are_narrow_again_afterwards() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).to(torch.bfloat16)
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    probe = new_probe(model, optimizer)
    context = torch.autocast("cpu", torch.bfloat16)
    with acting("float32", probe) as change:
        assert {p.dtype for p in model.parameters()} == {torch.float32}
        assert torch.ones(2).to(torch.bfloat16).dtype is torch.float32
        with context:
            assert not torch.is_autocast_enabled("cpu")
    assert change.acted >= 2
    assert next(iter(probe.optimizers)).half
    with context:
        assert torch.is_autocast_enabled("cpu")
    for name, value in model.state_dict().items():
        assert value.dtype == kept[name].dtype
        assert torch.equal(value, kept[name])


def test_buffers_go_back_to_their_last_finite_values() -> None:
    model = nn.BatchNorm1d(2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    probe = new_probe(model, optimizer)
    change = catalogue.make("repair_buffers", probe, Trouble(0))
    followed = next(iter(probe.optimizers))
    assert model.running_mean is not None
    model.running_mean.fill_(3.0)
    change.after_update(optimizer, followed)
    assert change.acted == 0
    model.running_mean[1] = math.nan
    change.after_update(optimizer, followed)
    assert change.acted == 1
    assert model.running_mean.tolist() == [3.0, 3.0]


def test_single_numbers_are_held_and_others_are_not() -> None:
    scale, weight = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([scale, weight], lr=0.1)
    probe = new_probe(None, optimizer)
    followed = next(iter(probe.optimizers))
    change = catalogue.make("hold_scalars", probe, Trouble(0))
    change.before_update(optimizer, followed, 0)
    with torch.no_grad():
        scale.add_(1.0)
    change.after_update(optimizer, followed)
    assert change.acted == 0
    with torch.no_grad():
        scale.fill_(40.0)
        weight.fill_(40.0)
    change.after_update(optimizer, followed)
    assert change.acted == 1
    assert float(scale.detach()) == 3.0
    assert weight.tolist() == [40.0, 40.0]
    with torch.no_grad():
        scale.fill_(-1.0)  # it may be divided by, and does not come near 0
    change.after_update(optimizer, followed)
    assert float(scale.detach()) == 1.0


@pytest.mark.parametrize(
    ("first", "low", "high"), [(0.07, 0.035, 0.17), (-0.07, -0.17, -0.035), (0.0, -0.1, 0.1)]
)
def test_a_small_number_is_held_on_its_side_of_0(first: float, low: float, high: float) -> None:
    scale = nn.Parameter(torch.tensor(first))
    optimizer = torch.optim.SGD([scale], lr=0.1)
    probe = new_probe(None, optimizer)
    change = catalogue.make("hold_scalars", probe, Trouble(0))
    followed = next(iter(probe.optimizers))
    change.before_update(optimizer, followed, 0)
    for value, expected in ((-9.0, low), (9.0, high)):
        with torch.no_grad():
            scale.fill_(value)
        change.after_update(optimizer, followed)
        assert float(scale.detach()) == pytest.approx(expected)


def test_gradients_of_several_losses_are_averaged() -> None:
    p, optimizer = gradients(4.0, 8.0)
    probe = new_probe(None, optimizer)
    followed = next(iter(probe.optimizers))
    change = catalogue.make("average_accumulated", probe, Trouble(0))
    assert p.grad is not None
    for count, expected in ((1, [4.0, 8.0]), (4, [1.0, 2.0])):
        for _ in range(count):
            change.loss(torch.zeros(()))
        change.before_update(optimizer, followed, 0)
        assert p.grad.tolist() == expected
    assert change.acted == 1


@pytest.mark.parametrize(("tick", "skips"), [(4, False), (5, True), (6, False)])
def test_one_step_is_skipped(tick: int, skips: bool) -> None:
    p, optimizer = gradients(1.0)
    probe = new_probe(None, optimizer)
    (followed,) = probe.optimizers
    change = catalogue.make("skip_batch", probe, Trouble(5))
    assert change.rescue(followed, tick) is skips
    change.before_update(optimizer, followed, tick)
    assert (p.grad is None) is skips
    assert bool(change.acted) is skips


EXAMINED = {
    "long_before_the_onset": (Trouble(100, onset=60), 1, 60 - LEAD - 1, False),
    "a_little_before_it": (Trouble(100, onset=60), 1, 60 - LEAD, True),
    "at_the_failure": (Trouble(100, onset=60), 1, 100, True),
    "of_two_optimizers": (Trouble(200, onset=120), 2, 120 - 2 * LEAD, True),
    "of_two_optimizers_before": (Trouble(200, onset=120), 2, 120 - 2 * LEAD - 1, False),
    "without_an_onset": (Trouble(100), 1, 100 - LEAD, True),
    "without_an_onset_before": (Trouble(100), 1, 100 - LEAD - 1, False),
    "from_the_first_step_on": (Trouble(10, onset=3), 1, 0, True),
}


@pytest.mark.parametrize("change", ["freeze_weights", "earlier_weights"])
@pytest.mark.parametrize("name", EXAMINED)
def test_weights_are_kept_from_shortly_before_the_trouble_on(name: str, change: str) -> None:
    trouble, together, tick, kept = EXAMINED[name]
    p, optimizer = gradients(1.0)
    probe = new_probe(None, optimizer)
    probe.optimizers.together = together
    (followed,) = probe.optimizers
    made = catalogue.make(change, probe, trouble)
    made.before_update(optimizer, followed, tick)
    assert (p.grad is None) is kept
    assert followed.withheld is kept
    assert made.acted == int(kept)


@pytest.mark.parametrize("change", sorted(EXAMINATIONS))
def test_an_examination_begins_early_and_is_no_advice(change: str) -> None:
    kind = catalogue.changes()[change]
    assert kind.early
    assert not (kind.once or kind.clips or kind.from_start)
    assert kind.snippet is None


@pytest.mark.parametrize(
    ("onset", "tick", "skips"),
    [(7, 5, False), (7, 6, True), (7, 7, True), (7, 8, False), (7, 10, False), (None, 10, False)],
)
def test_the_steps_of_the_onset_are_skipped_and_not_the_failing_one(
    onset: int | None, tick: int, skips: bool
) -> None:
    p, optimizer = gradients(1.0)
    probe = new_probe(None, optimizer)
    (followed,) = probe.optimizers
    change = catalogue.make("skip_onset", probe, Trouble(10, onset=onset))
    change.before_update(optimizer, followed, tick)
    assert (p.grad is None) is skips
    assert change.acted == int(skips)


def test_several_changes_are_told_in_turn() -> None:
    told: list[str] = []

    class Spy(Change):
        action = "Nothing"

        def __init__(self, name: str, answer: bool) -> None:
            super().__init__(new_probe(), Trouble(0))
            self.name, self.answer = name, answer

        def index(self, index: Any) -> Any:
            return [*index, self.name]

        def rescue(self, *args: Any) -> bool:
            told.append(self.name)
            return self.answer

        def after_update(self, *args: Any) -> None:
            told.append(self.name)

    several = Several(new_probe(), Trouble(0), [Spy("a", True), Spy("b", False)])
    assert several.index([]) == ["a", "b"]
    nothing: Any = None
    assert several.rescue(nothing, 0) is True
    several.after_update(nothing, nothing)
    assert told == ["a", "b", "b", "a"]
    drops = catalogue.make("drop_small_batches", new_probe(), Trouble(0))
    several = Several(new_probe(), Trouble(0), [drops, Spy("a", False)])
    assert several.batch(None, "x", [1, 2]) == "x"
    assert several.batch(None, "x", [1]) is DROP
