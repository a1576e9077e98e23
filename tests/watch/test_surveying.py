"""What a finite failure shows inside: sizes at the start, at the onset, and updates between."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from gradcheck import diagnosis
from gradcheck.model import Observation
from gradcheck.watch import layer_history, surveying
from gradcheck.watch.followed import Step
from gradcheck.watch.probe import Probe
from gradcheck.watch.survey import Survey
from tests.synthetic import norms, run_of
from tests.watch.changes.acting import new_probe
from tests.watch.running import Zygote

HEAD = """
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
"""
LEARNED = """
X = torch.randn(320, 8)
Y = X[:, :1] - 0.5 * X[:, 1:2]
"""
MODEL = """
model = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
"""
LOOP = """
for epoch in range(4):
    for x, y in DataLoader(TensorDataset(X, Y), batch_size=16):
        loss = F.mse_loss(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()
"""
SGD = "opt = torch.optim.SGD(model.parameters(), lr={rate})\n"

FOUND = {
    "a rate that is too high": (
        HEAD + LEARNED + MODEL + SGD.format(rate=3.0) + LOOP,
        "update_too_long",
        "learning_rate_too_high",
    ),
    "raw units": (
        HEAD + LEARNED + "X = X * 3000 + 500\n" + MODEL + SGD.format(rate=0.01) + LOOP,
        "inputs_far_from_unit",
        "unscaled_features",
    ),
    "weights of unit variance": (
        HEAD
        + LEARNED
        + "model = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),\n"
        + "                      nn.Linear(128, 1))\n"
        + "for p in model.parameters():\n    nn.init.normal_(p)\n"
        + SGD.format(rate=0.01)
        + LOOP,
        "activations_grow_with_depth",
        "poor_initialization",
    ),
    "one reading in other units": (
        HEAD + LEARNED + "X[157] *= 1e5\n" + MODEL + SGD.format(rate=0.02) + LOOP,
        "batch_stands_out",
        "outlier_batch",
    ),
    "gradients never cleared": (
        HEAD
        + LEARNED
        + MODEL
        + SGD.format(rate=0.02)
        + LOOP.replace("        opt.zero_grad()\n", "")
        + LOOP.replace("        opt.zero_grad()\n", ""),
        "gradients_kept",
        "missing_zero_grad",
    ),
    "masks as they come from a PNG": (
        HEAD
        + LEARNED
        + "Y = (Y > 0).float() * 255\n"
        + MODEL
        + "opt = torch.optim.Adam(model.parameters(), lr=0.02)\n"
        + LOOP.replace("F.mse_loss", "F.binary_cross_entropy_with_logits"),
        "probability_outside_range",
        "target_out_of_range",
    ),
}
INNOCENT = {
    "sound": HEAD + LEARNED + MODEL + SGD.format(rate=0.02) + LOOP,
    "pixels behind a normalisation": HEAD
    + LEARNED
    + "X = (X - X.min()) * 30\n"
    + "model = nn.Sequential(nn.BatchNorm1d(8), nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))\n"
    + SGD.format(rate=0.02)
    + LOOP,
    "token ids": HEAD
    + "X = torch.randint(0, 900, (320, 6))\nY = (X.float().mean(1, keepdim=True) / 450) - 1\n"
    + "model = nn.Sequential(nn.Embedding(900, 8), nn.Flatten(), nn.Linear(48, 1))\n"
    + "opt = torch.optim.Adam(model.parameters(), lr=1e-2)\n"
    + LOOP,
}


@pytest.mark.parametrize("name", FOUND)
def test_found(zygote: Zygote, tmp_path: Path, name: str) -> None:
    source, key, cause = FOUND[name]
    ran = zygote.watch(tmp_path, source)
    assert key in ran.keys
    assert ran.cause == cause
    assert ran.code == 1


@pytest.mark.parametrize("name", INNOCENT)
def test_nothing_is_made_of_it(zygote: Zygote, tmp_path: Path, name: str) -> None:
    ran = zygote.watch(tmp_path, INNOCENT[name])
    assert (ran.code, ran.run["verdict"], ran.keys) == (0, "healthy", [])


def test_the_sample_that_stands_out_is_named(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, FOUND["one reading in other units"][0])
    assert ran.where["samples"] == [157]
    assert ran.run["first_bad_step"] == 157 // 16


def test_weights_that_something_else_wrote_to(zygote: Zygote, tmp_path: Path) -> None:
    flip = "        if len(seen) == 45:\n            model[0].weight.data[3, 2] = 1e18\n"
    loop = LOOP.replace("        loss =", f"        seen.append(0)\n{flip}        loss =")
    source = HEAD + LEARNED + MODEL + SGD.format(rate=0.02) + "seen = []\n" + loop
    ran = zygote.watch(tmp_path, source)
    assert "weights_written_outside" in ran.keys
    assert ran.where["phase"] == "state"
    assert ran.where["module"] == "0.weight"


def written_at(step: int, line: str) -> str:
    """A loop with a line of its own between backward and the update of one step."""
    own = f"        seen.append(0)\n        if len(seen) == {step + 1}:\n            {line}\n"
    loop = LOOP.replace("        opt.step()\n", f"{own}        opt.step()\n")
    return HEAD + LEARNED + MODEL + SGD.format(rate=0.02) + "seen = []\n" + loop


def test_gradients_that_something_else_wrote_to(zygote: Zygote, tmp_path: Path) -> None:
    ran = zygote.watch(tmp_path, written_at(45, "model[0].weight.grad[3, 2] = 1e18"))
    assert ran.cause == "corrupted_weights"
    assert ran.where["module"] == "the gradient of 0.weight"


def test_a_gradient_that_the_script_makes_infinite_is_held(zygote: Zygote, tmp_path: Path) -> None:
    line = "model[0].weight.grad[3, 2] = float('inf')"
    ran = zygote.watch(tmp_path, written_at(45, line))
    assert ran.held
    assert ran.run["first_bad_step"] == 45


def test_a_clip_by_hand_is_no_damage(zygote: Zygote, tmp_path: Path) -> None:
    """In the very step of the batch that stands out, and in no other."""
    clip = "[p.grad.mul_(0.5) for p in model.parameters()]"
    source = written_at(3, clip).replace(MODEL, "X[60] *= 1e5\n" + MODEL)
    ran = zygote.watch(tmp_path, source)
    assert ran.run["first_bad_step"] == 3
    assert "batch_stands_out" in ran.keys
    assert "weights_written_outside" not in ran.keys


SWAPPED = """
model, held = nn.Linear(8, 1, bias=False), None
nn.init.constant_(model.weight, 0.0)
first = {name: value.clone() for name, value in model.state_dict().items()}
opt = torch.optim.SGD(model.parameters(), lr=0.015)
for step in range(640):
    x = torch.randn(256, 8)
    loss = F.mse_loss(model(x), x[:, :1] - x[:, 1:2] + 1.05 * torch.randn(256, 1))
    opt.zero_grad()
    loss.backward()
    opt.step()
    if step % 160 == 159:
        held = {name: value.clone() for name, value in model.state_dict().items()}
        model.load_state_dict(first)
        shown = model(x).mean().item()
"""


def test_weights_that_are_swapped_for_a_look_and_never_back(zygote: Zygote, tmp_path: Path) -> None:
    """Each time the loss goes back to where it began, which harder data might do as well."""
    ran = zygote.watch(tmp_path, HEAD + SWAPPED)
    assert ran.cause == "corrupted_weights"
    lines = (ran.folder / ran.where["file"]).read_text("utf-8").splitlines()
    assert "load_state_dict(first)" in lines[ran.where["line"] - 1]
    back = SWAPPED.replace(
        "        shown =", "        model.load_state_dict(held)\n        shown ="
    )
    assert zygote.watch(tmp_path, HEAD + back).run["verdict"] == "healthy"


RENEWED = "    if step % 40 == 0: teacher.load_state_dict(model.state_dict())\n"
PREDICTED = "0.9 * teacher(torch.randn(16, 8)) + 0.1"
BOOTSTRAPPED = """
teacher = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 1))
for step in range(160):
    with torch.no_grad():
        target = {target}
    x = torch.randn(16, 8) * (1 if step < 80 else 400)
    loss = F.smooth_l1_loss(model(x), target)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""


@pytest.mark.parametrize(
    ("target", "renewed", "told"),
    [
        (PREDICTED, True, True),
        ("model(torch.randn(16, 8)).clone()", False, False),
        (PREDICTED, False, False),
        ("torch.randn(16, 1)", True, False),
    ],
    ids=["a copy", "the model beside a fixed one", "a fixed model", "data"],
)
def test_targets_that_a_model_predicts(
    zygote: Zygote, tmp_path: Path, target: str, renewed: bool, told: bool
) -> None:
    loop = BOOTSTRAPPED.format(target=target)
    loop = loop.replace("    x =", f"{RENEWED}    x =") if renewed else loop
    ran = zygote.watch(tmp_path, HEAD + MODEL + SGD.format(rate=0.02) + loop)
    assert ("targets_are_predictions" in ran.keys) is told, ran.run


def test_a_copy_that_is_brought_up_to_date_after_the_first_trouble(
    zygote: Zygote, tmp_path: Path
) -> None:
    late = RENEWED.replace("step % 40 == 0", "step in (100, 140)")
    loop = BOOTSTRAPPED.format(target=PREDICTED).replace("    x =", f"{late}    x =")
    ran = zygote.watch(tmp_path, HEAD + MODEL + SGD.format(rate=0.02) + loop)
    assert "targets_are_predictions" in ran.keys


def test_a_teacher_that_is_brought_up_to_date_is_no_damage(zygote: Zygote, tmp_path: Path) -> None:
    loop = BOOTSTRAPPED.format(target=PREDICTED).replace("    loss =", f"{RENEWED}    loss =")
    ran = zygote.watch(tmp_path, HEAD + MODEL + SGD.format(rate=0.02) + loop)
    assert "weights_written_outside" not in ran.keys


def test_statistics_that_a_skipped_batch_poisoned(zygote: Zygote, tmp_path: Path) -> None:
    model = "model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 1))\n"
    guarded = LOOP.replace(
        "        opt.zero_grad()\n",
        "        if not loss.isfinite(): continue\n        opt.zero_grad()\n",
    )
    source = HEAD + LEARNED + "X[99, 2] = float('inf')\n" + model + SGD.format(rate=0.02) + guarded
    ran = zygote.watch(tmp_path, source)
    assert ran.cause == "poisoned_buffers"
    assert not ran.held


# ---- a recurrence: its gradient leads, or grows far more than that of the others

RECURRENT, OTHER = "weight_hh_l0", "weight_ih_l0"
USUAL = (0.5, 0.5)
CALM: list[tuple[float | None, tuple[float, ...]]] = [(1.0, USUAL)] * 6
LIVING: list[object] = []
"""A probe keeps no model and no optimizer alive."""


def went(*steps: tuple[float | None, tuple[float, ...]], passes: int = 1) -> Probe:
    """A probe that saw these losses and gradient norms: of OTHER, then of RECURRENT."""
    model = nn.RNN(2, 2, bias=False)
    for p in model.parameters():
        p.grad = torch.ones(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    LIVING.extend((model, optimizer))
    probe = new_probe(model, optimizer)
    (followed,) = probe.optimizers
    for at, (loss, layers) in enumerate(steps):
        followed.history.append(Step(0, at, loss, math.hypot(*layers), layers, 0.01))
    probe.loop._of(followed).most_passes = passes
    probe.optimizers.first_layers = steps[0][1]
    return probe


def recurring(
    probe: Probe, uses: dict[str, int] | None = None, onset: int | None = None
) -> list[Observation]:
    return list(layer_history.recurrence(probe, {"uses": uses or {}}, onset))


def test_the_probe_of_these_tests_knows_its_weights() -> None:
    assert went(*CALM).optimizers.gradient_names() == [OTHER, RECURRENT]


LEADS = {
    "beside the usual loss": (*CALM, (1.2, (0.6, 50.0))),
    "all layers, beside the usual loss": (*CALM, (1.2, (40.0, 50.0))),
    "far more than the others, beside a loss that exploded": (*CALM, (900.0, (3.0, 500.0))),
    "where no loss is known": (*[(None, USUAL)] * 6, (None, (0.6, 50.0))),
    "and the loss a step later": (*CALM, (2.0, (0.6, 50.0)), (9e5, (9e5, 9e5))),
}
FOLLOWS = {
    "calm to the end": (*CALM, (1.2, (0.5, 0.7))),
    "a loss that exploded, and all layers with it": (*CALM, (900.0, (400.0, 500.0))),
    "another layer leads": (*CALM, (1.2, (50.0, 0.6))),
    "a small part of the whole": (*CALM, (1.2, (50.0, 6.0))),
    "less than tenfold": (*CALM, (1.2, (0.5, 4.5))),
    "in the second step": ((1.0, USUAL), (1.0, (0.6, 50.0))),
    "not a number": (*CALM, (1.2, (0.6, math.nan))),
    "gradients of 0 before": (*[(1.0, (0.0, 0.0))] * 6, (1.0, (0.5, 0.5))),
}


@pytest.mark.parametrize("name", LEADS)
def test_a_recurrence_that_leads(name: str) -> None:
    (seen,) = recurring(went(*LEADS[name]))
    assert (seen.key, seen.step) == ("recurrence_grows", 6)
    assert RECURRENT in seen.statement


@pytest.mark.parametrize("name", FOLLOWS)
def test_a_recurrence_that_follows_or_does_nothing(name: str) -> None:
    assert recurring(went(*FOLLOWS[name])) == []


def test_what_comes_after_the_onset_is_no_lead() -> None:
    late = went(*CALM, *CALM, (1.2, (0.6, 50.0)))
    assert recurring(late, onset=11)
    assert recurring(late, onset=10) == []


@pytest.mark.parametrize(
    ("uses", "passes", "found"),
    [(5, 1, True), (4, 1, False), (1, 1, False), (8, 8, False), (39, 8, False), (40, 8, True)],
)
def test_a_weight_is_recurrent_by_its_uses_in_one_backward_pass(
    uses: int, passes: int, found: bool
) -> None:
    """Gradients that are accumulated use every weight several times in a step."""
    seen = recurring(went(*CALM, (1.2, (50.0, 0.6)), passes=passes), {OTHER: uses})
    assert bool(seen) is found


# ---- gradients that fade from the last layer to the first

FADED, EVEN = (1e-9, 1e-9, 1e-3, 0.5), (0.4, 0.4, 0.4, 0.5)


def unrolled(*steps: Sequence[float]) -> list[Observation]:
    """Of steps with these sizes of the state after each use of one weight."""
    surveys = [
        {"uses": {"cell": len(sizes)}, "layers": [{"name": "cell", "out": o} for o in sizes]}
        for sizes in steps
    ]
    return list(layer_history.lengthened(surveys, 9))


def geometric(uses: int, factor: float) -> list[float]:
    return [factor**use for use in range(uses)]


def test_a_sequence_that_became_longer_lets_the_state_grow() -> None:
    """In the step of the onset, or in that behind it."""
    short, long = geometric(8, 1.2), geometric(40, 1.2)
    for steps in ([short, short, long, long], [short, short, short, long]):
        (told,) = unrolled(*steps)
        assert told.key == "recurrence_grows"
        assert "cell is used 40 times in step 9 and 8 times" in told.statement


@pytest.mark.parametrize(
    "steps",
    [
        [geometric(40, 1.2)] * 3,  # no longer than before
        [geometric(8, 1.0), geometric(8, 1.0), geometric(40, 1.0)],  # bounded
        [geometric(8, 0.9), geometric(8, 0.9), geometric(40, 0.9)],  # fades
        [geometric(1, 1.0), geometric(1, 1.0), [1.0, 1e6]],  # used twice: no recurrence
        [geometric(8, 1.2), geometric(8, 1.2), [3.0, 9e5, *geometric(38, 1.2)]],  # and back
    ],
)
def test_a_longer_sequence_that_is_as_good(steps: list[list[float]]) -> None:
    assert not unrolled(*steps)


def fading(first: Sequence[float], *later: Sequence[float]) -> list[Observation]:
    return list(layer_history.fading(went(*((1.0, tuple(layers)) for layers in (first, *later)))))


def test_gradients_that_fade_from_the_first_step_on() -> None:
    (seen,) = fading(FADED, EVEN, FADED)
    assert (seen.key, seen.step) == ("gradients_fade_with_depth", 2)


@pytest.mark.parametrize(
    "steps",
    [
        (EVEN, EVEN),
        (EVEN, EVEN, FADED),  # layers that died on the way
        (FADED, FADED, EVEN),
        (FADED, (math.nan, 1e-9, 1e-3, 0.5)),
        ((0.0, 0.0, math.inf, 0.5), FADED),
        ((1e-9, 0.5), (1e-9, 0.5)),  # no depth
        ((1e-9, 1e-9, 1e-8, 1e-8),) * 2,  # small everywhere
        ((1e-3, 1e-3, 1.0, 500.0),) * 2,  # not tiny
    ],
)
def test_gradients_that_fade_only_later_or_not_at_all(steps: Sequence[Sequence[float]]) -> None:
    assert fading(*steps) == []


# ---- a second moment that lags: the gradient leaps, and the loss not yet


@pytest.mark.parametrize(
    ("losses", "calm"),
    [
        ([1.0, 1.1, 0.9, 1.0], True),
        ([1.0, 1.1, 0.9, 4.0], True),
        ([1.0, 1.1, 0.9, 9.0], False),
        ([-3.0, -3.1, -2.9, -2.0], True),
        ([-3.0, -3.1, -2.9, 20.0], False),
        ([1.0], True),
    ],
)
def test_a_loss_that_is_still_about_the_usual(losses: list[float], calm: bool) -> None:
    run = run_of({"loss": np.array(losses)})
    assert surveying._calm(run, len(losses) - 1) == calm


def test_an_unknown_loss_did_not_leap() -> None:
    assert surveying._calm(run_of({"grad_norm": norms(5)}), 3)


def test_a_batch_like_any_other_is_said_to_be_one(zygote: Zygote, tmp_path: Path) -> None:
    wrong = "Y[157] = 900.0\n"
    source = HEAD + LEARNED + wrong + MODEL + SGD.format(rate=0.002) + LOOP
    seen = zygote.watch(tmp_path, source).keys
    assert "target_stands_out" in seen
    assert "batch_ordinary" not in seen
    half = "        if len(seen) == 25:\n            loss = loss * 1e3\n"
    loop = LOOP.replace("        opt.zero", f"        seen.append(0)\n{half}        opt.zero")
    source = HEAD + LEARNED + MODEL + SGD.format(rate=1e-4) + "seen = []\n" + loop
    assert "batch_ordinary" in zygote.watch(tmp_path / "other", source).keys


# ---- how far the second moment lags


def lag_of(optimizer: torch.optim.Optimizer, model: nn.Module) -> float:
    """What a survey says just before the next update."""
    probe = new_probe(model, optimizer)
    (followed,) = probe.optimizers
    survey = Survey({}, {})
    survey.before_update(optimizer, followed)
    return float(survey._step.get("lag", 0.0))


def adam_after(steps: int, sizes: tuple[float, float]) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Weight and bias had gradients of these sizes for so many steps, and have them still."""
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        model.weight.grad = torch.full((2, 3), sizes[0])
        model.bias.grad = torch.full((2,), sizes[1])
        optimizer.step()
    return model, optimizer


@pytest.mark.parametrize("steps", [20, 40, 400])
def test_a_gradient_as_usual_does_not_lead_whatever_the_age_of_the_moment(steps: int) -> None:
    model, optimizer = adam_after(steps, (0.1, 0.2))
    assert lag_of(optimizer, model) == pytest.approx(1.0, abs=0.05)
    assert isinstance(model.weight, torch.Tensor) and model.weight.grad is not None
    model.weight.grad *= 30.0
    assert lag_of(optimizer, model) == pytest.approx(30.0, rel=0.05)


def test_a_bias_without_effect_leaps_unnoticed() -> None:
    model, optimizer = adam_after(100, (0.1, 1e-9))
    assert isinstance(model.bias, torch.Tensor) and model.bias.grad is not None
    model.bias.grad *= 1000.0
    assert lag_of(optimizer, model) == pytest.approx(1.0, abs=0.05)


def test_a_single_unit_that_wakes_up_is_no_leap_of_its_layer() -> None:
    model, optimizer = adam_after(100, (0.1, 0.1))
    assert isinstance(model.weight, torch.Tensor) and model.weight.grad is not None
    optimizer.state[model.weight]["exp_avg_sq"][0, 0] = 1e-12
    assert lag_of(optimizer, model) < 1.5


SKIPPING = """
import time
scaler = torch.amp.GradScaler("cpu", init_scale=2.0 ** 127)
for step in range(70):
    time.sleep(0.02)  # a share says something after a second
    loss = F.mse_loss(model(X), Y) * 1e6
    opt.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(opt)
    scaler.update()
"""


def test_what_a_scaler_skips_is_no_gain_of_time(zygote: Zygote, tmp_path: Path) -> None:
    """What is examined on a skipped step is no cost of watching, and was none before."""
    source = HEAD + LEARNED + MODEL + SGD.format(rate=1e-9) + SKIPPING
    notes = zygote.watch(tmp_path, source).notes
    assert "watching took " in notes
    assert "watching took -" not in notes


# ---- units that are off for every sample

SHUT = """
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1), {last})
nn.init.constant_(model[2].bias, {bias})
"""


def test_an_output_that_is_shut_from_the_start(zygote: Zygote, tmp_path: Path) -> None:
    model = SHUT.format(last="nn.ReLU()", bias=-4.0)
    ran = zygote.watch(tmp_path, HEAD + LEARNED + model + SGD.format(rate=0.01) + LOOP)
    assert "units_dead_inside" in ran.keys
    assert ran.cause == "dead_units"


@pytest.mark.parametrize(
    ("result", "share"),
    [
        (torch.tensor([0.0, 0.0, 0.0]), 1.0),
        (torch.tensor([0.0, 1.0, 0.0]), 0.0),
        (torch.tensor([[0.0, 1.0], [0.0, 0.0]]), 0.5),
        (torch.zeros(4, 3, 5, 5).index_fill(1, torch.tensor([1]), 2.0), 2 / 3),
    ],
)
def test_the_share_of_units_that_no_sample_turns_on(result: torch.Tensor, share: float) -> None:
    survey = Survey({}, {})
    inputs = (result - 1.0 * (result == 0)).requires_grad_()
    with survey:
        torch.relu(inputs)
    assert survey.take()["dead"] == pytest.approx(share)


def test_what_rectifies_data_is_no_layer() -> None:
    survey = Survey({}, {})
    with survey:
        torch.relu(torch.full((4, 3), -1.0))
    assert survey.take()["dead"] == 0.0


# ---- a density that has become narrow


def narrowed(level: float = -3.0, *, density: bool = True, restart: int = 0) -> list[str]:
    """What is told of a loss at this level before its onset, and with a rate that was raised."""
    low = np.arange(40) < restart
    columns = {"lr": np.where(low, 1e-5, 1e-2), "grad_norm": np.where(low, 1.0, 9.0)}
    report = diagnosis.diagnose(run_of({"loss": np.full(40, level), **columns}))
    found = dataclasses.replace(report, first_bad_step=39)
    probe = SimpleNamespace(loop=SimpleNamespace(learns_width=density))
    return [one.key for one in surveying._density(cast(Probe, probe), found)]


def test_a_density_that_is_narrower_than_a_unit() -> None:
    assert narrowed() == ["density_narrowed"]


def test_what_does_not_tell_of_a_narrow_density() -> None:
    assert narrowed(0.7) == []
    assert narrowed(density=False) == []
    assert narrowed(restart=30) == []
