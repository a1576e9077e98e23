"""E2 to E8 and F1, F2: weights, buffers and optimizer states that are not what they should be."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.draw import Draw
from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import SGD_AND_ADAM, Task
from tests.faults.training import Loop, train

CORRUPTED = "corrupted_state"


def _later(rows: Iterator[Row], by: int) -> Iterator[Row]:
    """The rows of a run that goes on where an earlier one ended."""
    for row in rows:
        yield replace(row, step=row.step + by)


def _resumed_at(lab: Lab) -> int:
    """The step at which a log begins: mostly a late one, as after a resume."""
    late = lab.draw.maybe(0.65)
    exact = round(lab.draw.log_uniform(200, 60000))
    round_number = lab.draw.one_of(500, 1000, 5000, 12000, 20000, 100000)
    return (exact if lab.draw.maybe(0.4) else round_number) if late else 0


def _silently(lab: Lab, task: Task, optimizer: torch.optim.Optimizer, loop: Loop) -> None:
    """Train without a log: what came before it."""
    for _ in train(lab, task, optimizer, loop):
        pass


@failing(
    "E8", CORRUPTED, "nonfinite_from_the_start", "nonfinite", "a checkpoint from before the NaN"
)
def checkpoint_with_nan_weights(lab: Lab) -> Iterator[Row]:
    """The checkpoint was saved after a NaN batch had gone through the earlier run's weights."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "cnn", "rnn")
    began, before, decay = _resumed_at(lab), lab.draw.integer(3, 25), lab.draw.one_of(0.0, 0.01)
    optimizer = lab.optimizer(task, weight_decay=decay)

    def batch(step: int, x: Tensor, y: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone()
        if step == before - 1 and not lab.repaired:
            x[0] = (x[0] - x[0]) / x[0].new_zeros(())
        return x, y

    _silently(lab, task, optimizer, Loop(steps=before, batch=batch))
    if lab.draw.maybe(0.5):
        # only the weights were saved
        optimizer.state.clear()
    lab.enter(began)
    loop = Loop(clip=lab.draw.one_of(None, 1.0))
    yield from _later(train(lab, task, optimizer, loop), began)


@failing("E3", CORRUPTED, "nonfinite_from_the_start", "nonfinite", "a fresh optimizer state")
def optimizer_state_with_nan(lab: Lab) -> Iterator[Row]:
    """After a NaN gradient the weights are reloaded, the optimizer's averages are not."""
    task = lab.task()
    began, before = _resumed_at(lab), lab.draw.integer(3, 25)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    _silently(lab, task, optimizer, Loop(steps=before))
    good = copy.deepcopy(task.model.state_dict())
    chosen = lab.draw.one_of(*list(task.model.parameters()))
    everywhere = lab.draw.maybe(0.5)

    def poison(step: int) -> None:
        for parameter in task.model.parameters():
            if parameter.grad is not None and (everywhere or parameter is chosen):
                # 0 * inf, as clipping makes it from an infinite gradient
                parameter.grad.mul_(math.inf).mul_(0.0)

    _silently(lab, task, optimizer, Loop(steps=1, before_step=poison))
    task.model.load_state_dict(good)
    if lab.repaired:
        optimizer.state.clear()
    lab.enter(began + 1)
    yield from _later(train(lab, task, optimizer), began)


@failing(
    "E8", CORRUPTED, "nonfinite_from_the_start", "nonfinite", "the checkpoint saved in float32"
)
def checkpoint_saved_in_half_precision(lab: Lab) -> Iterator[Row]:
    """A weight beyond 65504 became infinite when the checkpoint was saved in float16."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder")
    began, unit = _resumed_at(lab), lab.draw.log_uniform(1e6, 1e8)
    # inputs in small units, which the first layer of the pre-trained model makes up for
    features = task.inputs.shape[-1]
    column = lab.draw.integer(0, features - 1)
    first = nn.Linear(features, features)
    with torch.no_grad():
        first.weight.copy_(torch.eye(features))
        first.bias.zero_()
        first.weight[column, column] = unit
        task.inputs[:, column] /= unit
    first.requires_grad_(lab.draw.maybe(0.5))
    task.model = nn.Sequential(first, task.model)
    saved = {
        name: value if lab.repaired or not value.is_floating_point() else value.half()
        for name, value in task.model.state_dict().items()
    }
    task.model.load_state_dict(saved)
    optimizer = lab.optimizer(task, "adam", "adamw", "sgd")
    lab.enter(began)
    yield from _later(train(lab, task, optimizer), began)


class FrozenNorm(nn.Module):
    """A batch normalisation that uses its stored statistics in training too."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def train(self, mode: bool = True) -> FrozenNorm:
        super().train(mode)
        self.norm.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(x)
        return out


def _normalised_task(lab: Lab) -> Task:
    """A task whose model has batch normalisation: one- or two-dimensional."""
    task = lab.task("cnn", "cnn", "mlp_regression", "mlp_classification", "autoencoder")
    draw, width = lab.draw, lab.draw.one_of(16, 32)
    act = draw.one_of(nn.ReLU, nn.SiLU, nn.Tanh)
    outputs = task.classes or task.targets.shape[-1]
    if task.name == "cnn":
        layers: list[nn.Module] = [nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), act()]
        if draw.maybe(0.5):
            layers += [nn.Conv2d(8, 8, 3, stride=2), nn.BatchNorm2d(8), act()]
        task.model = nn.Sequential(
            *layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, outputs)
        )
        return task
    size = task.inputs.shape[-1]
    layers = []
    for _ in range(draw.integer(1, 3)):
        layers += [nn.Linear(size, width), nn.BatchNorm1d(width), act()]
        size = width
    task.model = nn.Sequential(*layers, nn.Linear(size, outputs))
    return task


def _norms(model: nn.Module) -> list[int]:
    """Places of the normalisations in a sequential model."""
    assert isinstance(model, nn.Sequential)
    kinds = (nn.BatchNorm1d, nn.BatchNorm2d)
    return [i for i, layer in enumerate(model) if isinstance(layer, kinds)]


@failing("E8", CORRUPTED, "nonfinite_from_the_start", "nonfinite", "statistics from finite batches")
def frozen_norm_with_nan_statistics(lab: Lab) -> Iterator[Row]:
    """Fine-tuning with frozen normalisations, whose stored statistics a NaN batch has ruined."""
    task = _normalised_task(lab)
    began, before = _resumed_at(lab), lab.draw.integer(20, 60)
    rate = lab.draw.log_uniform(0.3, 1.5)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum", factor=rate)
    _silently(lab, task, optimizer, Loop(steps=before))
    with torch.no_grad():
        x = task.inputs[: lab.batch_size].clone()
        blank = x[3] if lab.repaired else torch.zeros_like(x[3])
        x[3] = (blank - blank.mean()) / blank.std()
        task.model(x)
    assert isinstance(task.model, nn.Sequential)
    for place in _norms(task.model):
        task.model[place] = FrozenNorm(task.model[place])
    lab.enter(began)
    yield from _later(train(lab, task, optimizer), began)


class Bad:
    """A batch in which some samples are blank, and NaN once standardised each by itself."""

    def __init__(self, lab: Lab, at: int) -> None:
        self.lab, self.at = lab, at
        self.count = lab.draw.integer(1, 3)
        self.infinite = lab.draw.maybe(0.2)
        self.silent = lab.draw.maybe(0.35)
        """Whether the loop goes on to the next batch without a log of the skipped step."""

    def batch(self, step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        if step != self.at:
            return x, y
        samples = tuple(indices[: self.count].tolist())
        self.lab.enter(step, samples, abrupt=not self.silent)
        if self.lab.repaired:
            # the batch is checked before it goes through the model
            return x[self.count :], y[self.count :]
        x = x.clone()
        blank = torch.zeros_like(x[: self.count])
        x[: self.count] = torch.log(blank).abs() if self.infinite else blank / blank.sum()
        return x, y

    def skip(self, optimizer: torch.optim.Optimizer) -> Callable[[int], None]:
        """Take no step on a gradient that is not finite."""

        def before_step(_: int) -> None:
            gradients = [p.grad for g in optimizer.param_groups for p in g["params"]]
            if not all(bool(g.isfinite().all()) for g in gradients if g is not None):
                optimizer.zero_grad(set_to_none=True)

        return before_step

    def logged(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if row.step != self.at or not self.silent:
                yield row


def _validating(lab: Lab) -> int:
    """Steps between validations."""
    return lab.draw.one_of(5, 10, 20, 25)


@failing(
    "E2", CORRUPTED, "poisoned_buffers", "nonfinite", "the batch is checked before the forward pass"
)
def batch_statistics_poisoned(lab: Lab) -> Iterator[Row]:
    """A NaN batch is skipped, but its statistics stay in the batch normalisation for good."""
    task = _normalised_task(lab)
    bad = Bad(lab, lab.middle(0.15, 0.7))
    optimizer = lab.optimizer(task)
    clip, every = lab.draw.one_of(None, None, 5.0), _validating(lab)
    loop = Loop(batch=bad.batch, before_step=bad.skip(optimizer), validate_every=every, clip=clip)
    # clipping by a NaN norm makes every gradient NaN, and the step is skipped all the same
    yield from train(lab, task, optimizer, loop)


@failing("E2", CORRUPTED, "poisoned_buffers", "nonfinite", "the average leaves NaN weights out")
def weight_average_poisoned(lab: Lab) -> Iterator[Row]:
    """The weights are restored after a NaN batch; their moving average, validated, is not."""
    task = lab.task()
    at, decay = lab.middle(0.15, 0.7), lab.draw.one_of(0.9, 0.95, 0.99, 0.999)
    optimizer, every = lab.optimizer(task), _validating(lab)
    keep_every = lab.draw.one_of(1, 5, 10)
    average = copy.deepcopy(task.model)
    good: list[dict[str, object]] = []
    tokens = not task.inputs.is_floating_point()

    def remember(step: int, x: Tensor, y: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        if step % keep_every == 0 and step <= at:
            states = (task.model.state_dict(), optimizer.state_dict())
            good[:] = [copy.deepcopy(state) for state in states]
        if step == at and not tokens:
            x = x.clone()
            x[0] = x[0] / x.new_zeros(())
        return x, y

    def loss(out: Tensor, y: Tensor, step: int) -> Tensor:
        value = task.loss(out, y)
        # token ids cannot be NaN, a weight of 0/0 for a batch can
        return value * (value.new_zeros(()) / 0.0) if step == at and tokens else value

    def after_step(step: int) -> None:
        ruined = step == at
        if not (ruined and lab.repaired):
            with torch.no_grad():
                for mine, theirs in zip(average.parameters(), task.model.parameters(), strict=True):
                    mine.lerp_(theirs, 1 - max(1 - 1 / (step + 1), 0) * decay)
        average.load_state_dict(
            {k: v for k, v in task.model.state_dict().items() if "running" in k}, strict=False
        )
        if ruined:
            task.model.load_state_dict(good[0])
            optimizer.load_state_dict(good[1])

    def validate() -> float:
        average.eval()
        with torch.no_grad():
            return float(task.loss(average(task.inputs[:128]), task.targets[:128]))

    loop = Loop(
        batch=remember, loss=loss, after_step=after_step, validate_every=every, validate=validate
    )
    lab.enter(at)
    for row in train(lab, task, optimizer, loop):
        if row.step == at and lab.repaired:
            continue
        yield row


class Observer(nn.Module):
    """Moving statistics of what passes in training; in evaluation they scale what passes."""

    def __init__(self, kind: str, momentum: float) -> None:
        super().__init__()
        self.kind, self.momentum = kind, momentum
        self.low: Tensor
        self.high: Tensor
        self.register_buffer("low", torch.tensor(-1.0))
        self.register_buffer("high", torch.tensor(1.0))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            with torch.no_grad():
                spread = (x.min(), x.max()) if self.kind == "minmax" else _deviations(x)
                self.low.lerp_(spread[0], self.momentum)
                self.high.lerp_(spread[1], self.momentum)
            return x
        if self.kind == "minmax":
            step = (self.high - self.low) / 255
            return self.low + step * ((x - self.low) / step).round().clamp(0, 255)
        return x.clamp(self.low, self.high)


def _deviations(x: Tensor) -> tuple[Tensor, Tensor]:
    return x.mean() - 6 * x.std(), x.mean() + 6 * x.std()


@failing(
    "E2", CORRUPTED, "poisoned_buffers", "nonfinite", "the batch is checked before the forward pass"
)
def activation_observer_poisoned(lab: Lab) -> Iterator[Row]:
    """A NaN batch is skipped, but the ranges by which validation quantises have seen it."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "cnn")
    bad = Bad(lab, lab.middle(0.15, 0.7))
    kind, momentum = lab.draw.one_of("minmax", "deviation"), lab.draw.one_of(0.01, 0.1)
    assert isinstance(task.model, nn.Sequential)
    layers = list(task.model)
    place = lab.draw.integer(1, len(layers) - 1)
    task.model = nn.Sequential(*layers[:place], Observer(kind, momentum), *layers[place:])
    # statistics of batch normalisations would be poisoned as well: another recipe
    for layer in layers:
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = None
    optimizer = lab.optimizer(task)
    loop = Loop(batch=bad.batch, before_step=bad.skip(optimizer), validate_every=_validating(lab))
    yield from bad.logged(train(lab, task, optimizer, loop))


def _quiet_regression(draw: Draw) -> Task:
    """A regression without noise, which goes far below its first loss."""
    features, width = draw.integer(4, 12), draw.one_of(32, 48)
    act = draw.one_of(nn.Tanh, nn.SiLU, nn.GELU)
    x = torch.randn(1024, features)
    directions = torch.randn(features, 3) / features**0.5
    y = torch.sin(x @ directions) @ torch.randn(3, 1) + 0.2 * x[:, :1]
    layers: list[nn.Module] = [nn.Linear(features, width), act()]
    for _ in range(draw.integer(0, 2)):
        layers += [nn.Linear(width, width), act()]
    model = nn.Sequential(*layers, nn.Linear(width, 1))
    rates = SGD_AND_ADAM | {"adam": 4e-3, "adamw": 4e-3}
    return Task("mlp_regression", model, x, y, F.mse_loss, rates, True)


def _advanced_task(lab: Lab) -> Task:
    """Something that gets far, and so has something to lose at a resume."""
    if lab.draw.maybe(0.5):
        lab.settings["model"] = "mlp_regression"
        return _quiet_regression(lab.draw)
    return lab.task("autoencoder", "cnn", "mlp_classification", "transformer")


@failing(
    "E4",
    CORRUPTED,
    "resumed_without_state",
    "spikes",
    "the optimizer's state is loaded too",
    # the log begins where most is learned
    learns=False,
)
def adam_state_dropped_at_resume(lab: Lab) -> Iterator[Row]:
    """A resume starts Adam's averages anew without a warm-up: its first steps are full ones."""
    task = _advanced_task(lab)
    factor, before = lab.draw.log_uniform(2.5, 8), lab.draw.integer(250, 400)
    after, logged = lab.draw.integer(60, 200), lab.draw.integer(40, 150)
    began = _resumed_at(lab) or before
    optimizer = lab.optimizer(task, "adam", "adamw", factor=factor)
    _silently(lab, task, optimizer, Loop(steps=before))
    yield from _later(train(lab, task, optimizer, Loop(steps=logged)), began)
    lab.enter(began + logged, abrupt=False)
    if not lab.repaired:
        optimizer.state.clear()
    yield from _later(train(lab, task, optimizer, Loop(steps=after)), began + logged)


@failing(
    "E4",
    CORRUPTED,
    "resumed_without_state",
    "spikes",
    "the second moments are loaded too",
    learns=False,
)
def second_moments_zero_at_resume(lab: Lab) -> Iterator[Row]:
    """A resume keeps Adam's step count but not its second moments: the updates are far too long."""
    task = _advanced_task(lab)
    factor, before = lab.draw.log_uniform(0.2, 2), lab.draw.integer(100, 350)
    after, logged = lab.draw.integer(60, 200), lab.draw.integer(40, 150)
    began = _resumed_at(lab) or before
    optimizer = lab.optimizer(task, "adam", "adamw", factor=factor)
    clip = lab.draw.one_of(None, None, 1.0)
    # the count says that no bias is left to correct
    count = max(began + logged, 3000)
    _silently(lab, task, optimizer, Loop(steps=before))
    yield from _later(train(lab, task, optimizer, Loop(steps=logged, clip=clip)), began)
    lab.enter(began + logged, abrupt=False)
    for state in optimizer.state.values():
        if not lab.repaired:
            state["exp_avg_sq"].zero_()
            state["step"].fill_(count)
    yield from _later(train(lab, task, optimizer, Loop(steps=after, clip=clip)), began + logged)


@failing("E4", CORRUPTED, "resumed_without_state", "spikes", "all weights are loaded", learns=False)
def resumed_with_missing_weights(lab: Lab) -> Iterator[Row]:
    """Some keys of the checkpoint do not match, and strict=False leaves those layers fresh."""
    task = _advanced_task(lab)
    before = lab.draw.integer(150, 400)
    after, logged = lab.draw.integer(60, 250), lab.draw.integer(40, 150)
    began = _resumed_at(lab) or before
    fresh = copy.deepcopy(task.model.state_dict())
    optimizer = lab.optimizer(task)
    _silently(lab, task, optimizer, Loop(steps=before))
    yield from _later(train(lab, task, optimizer, Loop(steps=logged)), began)
    names = list(dict(task.model.named_parameters()))
    # a prefix that only the wrapped part of the model had
    place = lab.draw.integer(0, len(names) - 1)
    lost = names if lab.draw.maybe(0.3) else names[place : place + lab.draw.integer(1, len(names))]
    optimizer_too = lab.draw.maybe(0.5)
    if not lab.repaired:
        task.model.load_state_dict({name: fresh[name] for name in lost}, strict=False)
        if optimizer_too:
            optimizer.state.clear()
    lab.enter(began + logged)
    yield from _later(train(lab, task, optimizer, Loop(steps=after)), began + logged)


@failing("E4", CORRUPTED, "resumed_without_state", "spikes", "the newest weights", learns=False)
def resumed_from_stale_weights(lab: Lab) -> Iterator[Row]:
    """A resume takes the step and the optimizer of the newest checkpoint, and older weights."""
    task = _advanced_task(lab)
    before, age = lab.draw.integer(150, 350), lab.draw.integer(2, 40)
    after, logged = lab.draw.integer(60, 250), lab.draw.integer(40, 150)
    rewinds = lab.draw.one_of(0, 0, 5, 20)
    began = _resumed_at(lab) or before
    optimizer = lab.optimizer(task)
    _silently(lab, task, optimizer, Loop(steps=age))
    stale = copy.deepcopy(task.model.state_dict())
    _silently(lab, task, optimizer, Loop(steps=before - age))
    yield from _later(train(lab, task, optimizer, Loop(steps=logged)), began)
    if not lab.repaired:
        task.model.load_state_dict(stale)
    resumed = began + logged - rewinds
    lab.enter(resumed)
    yield from _later(train(lab, task, optimizer, Loop(steps=after)), resumed)


def _flip(tensor: Tensor, place: int, bit: int) -> None:
    """Flip one bit of one float32 number in memory."""
    bits = tensor.view(-1).view(torch.int32)
    # bit 31 is the sign; int32 has no positive 2**31
    bits[place] ^= 1 << bit


def _exponent_bit(draw: Draw, value: float, highest: float = 0.4) -> int:
    """One of the exponent's bits that are 0, so that a flip makes the number larger."""
    bits = int(torch.tensor(value).view(torch.int32))
    zero = [bit for bit in range(25, 31) if not bits >> bit & 1]
    # the highest one is the likeliest, since the others do less harm
    return 30 if draw.maybe(highest) and 30 in zero else draw.one_of(*(zero or [30]))


@failing("F1", CORRUPTED, "corrupted_weights", "spikes", "no bit is flipped")
def bit_flip_in_a_weight(lab: Lab) -> Iterator[Row]:
    """One bit of the exponent of one weight flips between two steps."""
    task = lab.task()
    at = lab.middle(0.15, 0.85)
    optimizer, clip = lab.optimizer(task), lab.draw.one_of(None, None, 1.0)
    parameter = lab.draw.one_of(*list(task.model.parameters()))
    place, draw = (
        lab.draw.integer(0, parameter.numel() - 1),
        Draw("flip", lab.draw.integer(0, 9999)),
    )

    def after_step(step: int) -> None:
        if step == at - 1 and not lab.repaired:
            value = float(parameter.detach().view(-1)[place])
            _flip(parameter.data, place, _exponent_bit(draw, value))

    lab.enter(at)
    yield from train(lab, task, optimizer, Loop(clip=clip, after_step=after_step))


@failing("F1", CORRUPTED, "corrupted_weights", "spikes", "no bit is flipped")
def bit_flip_in_a_half_precision_weight(lab: Lab) -> Iterator[Row]:
    """The highest exponent bit of a weight flips in the bfloat16 or float16 copy of a rank."""
    task = lab.task()
    at = lab.middle(0.15, 0.85)
    optimizer, count = lab.optimizer(task), lab.draw.one_of(1, 1, 2, 4)
    half = lab.draw.one_of(torch.float16, torch.float16, torch.bfloat16)
    parameter = lab.draw.one_of(*list(task.model.parameters()))
    places = [lab.draw.integer(0, parameter.numel() - 1) for _ in range(count)]
    bit = lab.draw.one_of(14, 14, 13)

    def after_step(step: int) -> None:
        if step != at - 1 or lab.repaired:
            return
        copied = parameter.data.to(half).view(-1)
        bits = copied.view(torch.int16)
        for place in places:
            bits[place] ^= 1 << bit
        # the damaged copy is what the other ranks, and the next step, get
        parameter.data.view(-1)[places] = copied[places].float()

    lab.enter(at)
    lab.settings["precision"] = str(half).removeprefix("torch.")
    yield from train(lab, task, optimizer, Loop(after_step=after_step))


@failing("F1", CORRUPTED, "corrupted_weights", "spikes", "no bit is flipped")
def bit_flip_in_a_gradient(lab: Lab) -> Iterator[Row]:
    """A bit of one gradient flips on its way to the all-reduce, on one of several ranks."""
    task = lab.task()
    at, ranks = lab.middle(0.15, 0.85), lab.draw.one_of(1, 2, 4, 8)
    optimizer, clip = lab.optimizer(task), lab.draw.one_of(None, None, 1.0)
    parameter = lab.draw.one_of(*list(task.model.parameters()))
    place, draw = (
        lab.draw.integer(0, parameter.numel() - 1),
        Draw("flip", lab.draw.integer(0, 9999)),
    )

    def after_backward(step: int) -> None:
        gradient = parameter.grad
        if step != at or lab.repaired or gradient is None:
            return
        share = gradient / ranks
        value = float(share.view(-1)[place])
        rest = gradient - share
        _flip(share, place, _exponent_bit(draw, value))
        gradient.copy_(rest + share)

    lab.enter(at)
    lab.settings["world_size"] = ranks
    yield from train(lab, task, optimizer, Loop(clip=clip, after_backward=after_backward))


@failing("F1", CORRUPTED, "corrupted_weights", "spikes", "no bit is flipped")
def bit_flip_in_optimizer_state(lab: Lab) -> Iterator[Row]:
    """A bit of the optimizer's averages flips; the update that they give ruins a weight."""
    task = lab.task()
    at = lab.middle(0.15, 0.85)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    parameter = lab.draw.one_of(*list(task.model.parameters()))
    place, draw = (
        lab.draw.integer(0, parameter.numel() - 1),
        Draw("flip", lab.draw.integer(0, 9999)),
    )

    def before_step(step: int) -> None:
        if step != at - 1 or lab.repaired:
            return
        state = optimizer.state[parameter]
        average = state.get("exp_avg", state.get("momentum_buffer"))
        value = float(average.view(-1)[place])
        _flip(average, place, _exponent_bit(draw, value, 0.7))

    lab.enter(at)
    yield from train(lab, task, optimizer, Loop(before_step=before_step))


@failing("F2", CORRUPTED, "corrupted_weights", "spikes", "the copy between ranks is complete")
def garbage_from_one_rank(lab: Lab) -> Iterator[Row]:
    """A copy between two ranks leaves a stretch of a tensor as whatever lay in that memory."""
    task = lab.task()
    at, of_weights = lab.middle(0.15, 0.85), lab.draw.maybe(0.5)
    optimizer, ranks = lab.optimizer(task), lab.draw.one_of(2, 4, 8)
    parameter = lab.draw.one_of(*list(task.model.parameters()))
    length = min(parameter.numel(), round(lab.draw.log_uniform(1, 64)))
    begin = lab.draw.integer(0, parameter.numel() - length)
    # bytes of other tensors: any bits at all, or those of token ids and the like
    seed, any_bits = lab.draw.integer(0, 2**31), lab.draw.maybe(0.6)
    noise = torch.Generator().manual_seed(seed)

    def garbage() -> Tensor:
        if any_bits:
            bits = torch.randint(-(2**31), 2**31, (length,), generator=noise)
            return bits.to(torch.int32).view(torch.float32)
        return torch.randint(2, 5000, (length,), generator=noise).float()

    def after_backward(step: int) -> None:
        gradient = parameter.grad
        if step == at and not of_weights and not lab.repaired and gradient is not None:
            flat = gradient.view(-1)[begin : begin + length]
            flat.copy_(flat * (1 - 1 / ranks) + garbage() / ranks)

    def after_step(step: int) -> None:
        if step == at - 1 and of_weights and not lab.repaired:
            parameter.data.view(-1)[begin : begin + length] = garbage()

    lab.enter(at)
    lab.settings["world_size"] = ranks
    loop = Loop(after_backward=after_backward, after_step=after_step)
    yield from train(lab, task, optimizer, loop)
