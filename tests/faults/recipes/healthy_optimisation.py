"""Healthy runs whose optimizer, schedule or precision makes them look odd."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import functools
import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel

from tests.faults.lab import Lab
from tests.faults.recipe import Row, healthy
from tests.faults.record import Column
from tests.faults.tasks import Task
from tests.faults.training import Loop, grad_norms, train

Schedule = Callable[[int], float]
Objective = Callable[[int], tuple[Tensor, Mapping[str, float]]]
Run = Callable[[Lab], Iterator[Row]]

NEIGHBOURS, NEAREST = 25, 3
"""Rows on either side that a row is held against, less the nearest: a spike is no single row."""
ISOLATED = 1.5
"""Ranges of its neighbours by which a spike tops all of them; noise of 50 rows stays below 1."""


def sound(recipe: Run) -> Run:
    """Refuse a draw that diverges: build.py then redraws, since it would be no healthy run."""

    @functools.wraps(recipe)
    def guarded(lab: Lab) -> Iterator[Row]:
        rows = list(recipe(lab))
        for name, values in _series(rows).items():
            if name == "grad_norm":
                # a scaler may skip a step
                if not np.isfinite(values).all() and rows[0].scale is None:
                    raise ValueError("a gradient norm that is not finite")
            elif not np.isfinite(values).all() or diverging(values):
                raise ValueError(f"{name} diverges")
        yield from rows

    return guarded


def calm(recipe: Run) -> Run:
    """Sound, and without an isolated spike of loss or gradient norm: it would be a true one."""

    @functools.wraps(recipe)
    def guarded(lab: Lab) -> Iterator[Row]:
        rows = list(sound(recipe)(lab))
        for name, values in _series(rows).items():
            spikes = isolated(values[np.isfinite(values)])
            if spikes:
                raise ValueError(f"{name} has an isolated spike at row {spikes[0]}")
        yield from rows

    return guarded


def _series(rows: list[Row]) -> dict[str, Column]:
    """The gradient norm and every loss, as far as they are logged."""
    cells = [{"loss": row.loss, "grad_norm": row.grad_norm} | dict(row.losses) for row in rows]
    return {
        name: np.array([c[name] for c in cells], dtype=np.float64)
        for name, first in cells[0].items()
        if first is not None
    }


def diverging(losses: Column) -> bool:
    """Whether the level of the loss rises above its start by as much as it falls below."""
    windows = np.lib.stride_tricks.sliding_window_view(losses, min(len(losses), 11))
    levels = np.median(windows, axis=1)
    start = float(losses[:20].max())
    return bool(levels.max() > start + (start - float(losses.min())))


def isolated(values: Column) -> list[int]:
    """Rows far above all that is around them on both sides."""
    found = []
    for at in range(10, len(values) - 5):
        before = values[max(0, at - NEIGHBOURS) : at - NEAREST]
        after = values[at + NEAREST + 1 : at + NEIGHBOURS]
        around = np.concatenate([before, after])
        height = float(values[at] - around.max(initial=-np.inf))
        # float noise on a level loss is no spike either
        least = 0.02 * float(np.abs(around).mean()) if len(around) else math.inf
        if len(after) and height > max(ISOLATED * float(np.ptp(around)), least):
            found.append(at)
    return found


def cosine(steps: int, floor: float = 0.0, warmup: int = 0) -> Schedule:
    """A half cosine from 1 to `floor`, after a linear warm-up."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        place = min(1.0, (step - warmup) / max(1, steps - 1 - warmup))
        return floor + (1 - floor) * (1 + math.cos(math.pi * place)) / 2

    return factor


def habits(lab: Lab) -> Loop:
    """Clipping, schedule and validation, as different people have them."""
    clip = lab.draw.one_of(None, None, 1.0, 5.0)
    warmup = lab.draw.integer(5, 40)
    schedule = lab.draw.one_of(None, None, cosine(lab.steps, 0.05), cosine(lab.steps, 0.1, warmup))
    every = lab.draw.one_of(None, None, 20, 50)
    return Loop(clip=clip, schedule=schedule, validate_every=every)


def noisy_task(lab: Lab, *names: str) -> Task:
    """A task whose loss levels off well above 0, so that no lone hard sample stands out."""
    names = names or ("mlp_regression", "mlp_classification", "cnn", "rnn", "transformer")
    task = lab.task(*names)
    share = lab.draw.uniform(0.15, 0.4)
    if task.classes and task.name != "transformer":
        wrong = torch.rand(len(task)) < share
        task.targets = torch.where(wrong, torch.randint(task.classes, (len(task),)), task.targets)
    elif task.regression and task.name != "autoencoder":
        task.targets = task.targets + share * torch.randn_like(task.targets)
    return task


def descend(
    lab: Lab,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    objective: Objective,
    loop: Loop | None = None,
) -> Iterator[Row]:
    """Train on an objective that draws its own batches; of `loop`, the clip and schedule count."""
    loop = loop or Loop()
    bases = [group["lr"] for group in optimizer.param_groups]
    if loop.clip is not None:
        lab.settings["max_grad_norm"] = loop.clip
    for step in range(lab.steps):
        if loop.schedule is not None:
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = base * loop.schedule(step)
        loss, extra = objective(step)
        optimizer.zero_grad()
        loss.backward()
        norm, layers = grad_norms(model)
        if loop.clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), loop.clip)
        optimizer.step()
        if loop.after_step is not None:
            loop.after_step(step)
        yield Row(
            step,
            float(loss.detach()),
            norm,
            None if loop.clip is None else min(norm, loop.clip),
            optimizer.param_groups[0]["lr"],
            layers=layers,
            extra=extra,
        )


def _sharpness(model: nn.Module, loss: Tensor) -> float:
    """The largest eigenvalue of the Hessian, by power iteration."""
    parameters = list(model.parameters())
    gradient = torch.autograd.grad(loss, parameters, create_graph=True)
    vector = [torch.randn_like(p) for p in parameters]
    size = 1.0
    for _ in range(20):
        size = math.sqrt(sum(float((v**2).sum()) for v in vector))
        vector = [v / size for v in vector]
        product = sum(
            ((g * v).sum() for g, v in zip(gradient, vector, strict=True)), torch.zeros(())
        )
        vector = list(torch.autograd.grad(product, parameters, retain_graph=True))
    return math.sqrt(sum(float((v**2).sum()) for v in vector))


def _curve(lab: Lab) -> tuple[nn.Sequential, Tensor, Tensor]:
    """A smooth perceptron and a noisy curve in a few dimensions, for full-batch training."""
    width, features = lab.draw.one_of(24, 32, 48), lab.draw.integer(1, 4)
    x = 2 * torch.rand(lab.draw.one_of(64, 128, 200), features) - 1
    y = torch.sin(lab.draw.uniform(2, 4) * x.sum(1, keepdim=True) / features**0.5)
    y = y + lab.draw.uniform(0.02, 0.1) * torch.randn_like(y)
    act = lab.draw.one_of(nn.Tanh, nn.SiLU, nn.GELU)
    layers: list[nn.Module] = [nn.Linear(features, width), act()]
    for _ in range(lab.draw.integer(0, 1)):
        layers += [nn.Linear(width, width), act()]
    lab.batch_size = len(x)
    lab.settings["batch_size"] = len(x)
    return nn.Sequential(*layers, nn.Linear(width, 1)), x, y


def _zigzags(rows: list[Row]) -> bool:
    """Whether loss or gradient change direction all the time, in what is not noise."""
    norms = np.array([row.grad_norm for row in rows[len(rows) // 4 :]], dtype=np.float64)
    rises = norms[1:] > norms[:-1]
    return bool(np.mean(rises[1:] != rises[:-1]) > 0.1)


def _quiet(rows: list[Row]) -> bool:
    """Neither diverging nor with an isolated spike."""
    series = _series(rows)
    return all(
        np.isfinite(values).all() and not isolated(values) for values in series.values()
    ) and (not diverging(series["loss"]))


@healthy("the loss zigzags at the edge of stability and falls all the same")
@calm
def edge_of_stability_momentum(lab: Lab) -> Iterator[Row]:
    """Full-batch gradient descent with momentum, at the highest rate that still works."""
    lab.steps = lab.draw.integer(300, 600)
    model, x, y = _curve(lab)
    # the limit of heavy ball is 2 · (1 + β) / λ
    rate = lab.draw.uniform(0.6, 1.0) * 3.8 / _sharpness(model, F.mse_loss(model(x), y))
    warmup = round(lab.steps * lab.draw.uniform(0.1, 0.3))
    # a warm-up lets the curvature give way to the rate instead of throwing the weights far off
    loop = Loop(schedule=lambda step: min(1.0, (step + 1) / warmup))
    for _ in range(7):
        # as one tunes it: from a rate that is too high down to one that is not
        tried = copy.deepcopy(model)
        objective = functools.partial(_whole_batch, tried, x, y)
        rows = list(descend(lab, tried, lab.optimizer_of(tried, "momentum", rate), objective, loop))
        if _quiet(rows) and _zigzags(rows):
            break
        rate *= 0.75
    else:
        raise ValueError("it does not oscillate")
    yield from rows


def _whole_batch(
    model: nn.Module, x: Tensor, y: Tensor, step: int
) -> tuple[Tensor, Mapping[str, float]]:
    return F.mse_loss(model(x), y), {}


@healthy("full-batch Adam at the edge of stability: oscillation, no noise to blame it on")
@calm
def edge_of_stability_adam(lab: Lab) -> Iterator[Row]:
    """Full-batch Adam at a rate at which the loss oscillates and yet falls."""
    lab.steps = lab.draw.integer(250, 600)
    model, x, y = _curve(lab)
    rate = lab.draw.log_uniform(8e-3, 3e-2)
    optimizer = lab.optimizer_of(model, lab.draw.one_of("adam", "adamw"), rate)
    loop = Loop(schedule=lab.draw.one_of(None, cosine(lab.steps, 0.1)))
    rows = list(descend(lab, model, optimizer, lambda step: (F.mse_loss(model(x), y), {}), loop))
    if not _zigzags(rows):
        raise ValueError("it does not oscillate")
    yield from rows


@healthy("the loss rises while the rate warms up, then falls with it")
@calm
def warmup_hump(lab: Lab) -> Iterator[Row]:
    """A long warm-up to a high rate lifts the noise floor of small batches; the decay ends it."""
    lab.batch_size = lab.settings["batch_size"] = lab.draw.one_of(8, 16)
    task = noisy_task(lab, "mlp_regression", "rnn", "mlp_classification")
    kind = lab.draw.one_of("sgd", "adam", "adamw")
    optimizer = lab.optimizer(task, kind, factor=lab.draw.uniform(2, 5))
    warmup = round(lab.steps * lab.draw.uniform(0.2, 0.45))
    yield from train(lab, task, optimizer, Loop(schedule=cosine(lab.steps, 0.0, warmup)))


@healthy("one cycle to a very high rate: the loss stands still or rises in mid-run")
@calm
def one_cycle(lab: Lab) -> Iterator[Row]:
    """Super-convergence: a triangle of the rate up to several times the usual one and down to 0."""
    task = noisy_task(lab)
    optimizer = lab.optimizer(task, "sgd", "adamw", factor=lab.draw.uniform(2, 5))
    top = lab.draw.uniform(0.25, 0.5)

    def triangle(step: int) -> float:
        place = step / lab.steps
        return 0.04 + 0.96 * (place / top if place < top else (1 - place) / (1 - top))

    yield from train(lab, task, optimizer, Loop(schedule=triangle, clip=lab.draw.one_of(None, 1.0)))


@healthy("each restart of the rate lifts the loss for a while")
@calm
def cosine_restarts(lab: Lab) -> Iterator[Row]:
    """Warm restarts: the rate jumps from 0 back to its top, and the loss bumps and recovers."""
    task = noisy_task(lab)
    optimizer = lab.optimizer(task, factor=lab.draw.uniform(1, 3))
    period = lab.steps // lab.draw.integer(2, 5)
    wave = cosine(period, 0.01)
    yield from train(
        lab, task, optimizer, Loop(schedule=lambda step: wave(step % period), clip=1.0)
    )


@healthy("the loss breathes with a cyclic rate")
@calm
def cyclic_rate(lab: Lab) -> Iterator[Row]:
    """A triangular cyclic rate: loss and gradient norm rise and fall with it."""
    task = noisy_task(lab)
    optimizer = lab.optimizer(task, factor=lab.draw.uniform(1, 3))
    period, low = lab.draw.integer(30, 120), lab.draw.uniform(0.02, 0.2)

    def triangle(step: int) -> float:
        return low + (1 - low) * (1 - abs(2 * (step % period) / period - 1))

    yield from train(lab, task, optimizer, Loop(schedule=triangle))


@healthy("the loss drops at once where the rate is divided")
@calm
def step_decay(lab: Lab) -> Iterator[Row]:
    """The rate is divided by 3 to 10 once or twice; the noise and the loss drop with it."""
    lab.batch_size = lab.settings["batch_size"] = lab.draw.one_of(4, 8, 16)
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "rnn")
    optimizer = lab.optimizer(task, factor=lab.draw.uniform(1.5, 3))
    divisor, first = lab.draw.one_of(3.0, 5.0, 10.0), lab.draw.uniform(0.4, 0.65)

    def steps_down(step: int) -> float:
        return divisor ** -((step > first * lab.steps) + (step > 0.85 * lab.steps))

    yield from train(lab, task, optimizer, Loop(schedule=steps_down))


@healthy("the rate is 0 at the end of the schedule, and nothing moves any more")
@calm
def rate_ends_at_zero(lab: Lab) -> Iterator[Row]:
    """A linear or cosine schedule reaches 0, in some runs a while before the last step."""
    task = noisy_task(lab)
    optimizer = lab.optimizer(task)
    end = round(lab.steps * lab.draw.one_of(1.0, 1.0, lab.draw.uniform(0.85, 0.98)))
    linear: Schedule = lambda step: max(0.0, 1 - step / (end - 1))  # noqa: E731
    schedule = lab.draw.one_of(linear, cosine(end))
    yield from train(lab, task, optimizer, Loop(schedule=schedule, clip=lab.draw.one_of(None, 1.0)))


@healthy("nothing at all: the plainest of runs")
@calm
def constant_rate(lab: Lab) -> Iterator[Row]:
    """A sound task at a sound constant rate."""
    task = noisy_task(lab)
    optimizer = lab.optimizer(task, factor=lab.draw.log_uniform(0.5, 2))
    yield from train(lab, task, optimizer, Loop(clip=lab.draw.one_of(None, 1.0, 10.0)))


@healthy("every single step is clipped")
@calm
def clipped_at_every_step(lab: Lab) -> Iterator[Row]:
    """A clip far below the usual gradient norm, as language models often have it."""
    task = noisy_task(lab)
    norm = float(_first_norm(lab, task))
    kind = lab.draw.one_of("adam", "adamw", "momentum")
    optimizer = lab.optimizer(task, kind, factor=5.0 if kind == "momentum" else 1.0)
    clip = norm * lab.draw.log_uniform(0.05, 0.2)
    schedule = lab.draw.one_of(None, cosine(lab.steps, 0.1, 10))
    yield from train(lab, task, optimizer, Loop(clip=clip, schedule=schedule))


def _first_norm(lab: Lab, task: Task) -> float:
    """The gradient norm of a batch before training."""
    batch = slice(0, lab.batch_size)
    task.loss(task.model(task.inputs[batch]), task.targets[batch]).backward()
    norm = grad_norms(task.model)[0]
    task.model.zero_grad()
    return norm


@healthy("the gradient norm climbs over the micro-batches and falls to its start at each update")
@sound
def accumulation_saw_tooth(lab: Lab) -> Iterator[Row]:
    """Rows of micro-batches: the accumulated gradient grows until the optimizer takes it."""
    task = noisy_task(lab)
    micro = lab.draw.one_of(2, 4, 8)
    lab.batch_size = lab.draw.one_of(8, 16)
    lab.settings |= {"batch_size": lab.batch_size, "gradient_accumulation_steps": micro}
    lab.steps = max(lab.steps, 100 * micro)
    optimizer = lab.optimizer(task, factor=2.0)
    clip = lab.draw.one_of(None, 1.0)
    for step, epoch, indices in lab.batches(len(task)):
        loss = task.loss(task.model(task.inputs[indices]), task.targets[indices])
        (loss / micro).backward()
        norm, layers = grad_norms(task.model)
        if (step + 1) % micro == 0:
            if clip is not None:
                nn.utils.clip_grad_norm_(task.model.parameters(), clip)
            optimizer.step()
            optimizer.zero_grad()
        rate = optimizer.param_groups[0]["lr"]
        yield Row(step, float(loss.detach()), norm, rate=rate, epoch=epoch, layers=layers)


def _half_precision(lab: Lab, scale: float, interval: int) -> tuple[Task, Loop]:
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "rnn", "transformer")
    scaler = torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=interval)
    clip = lab.draw.one_of(None, 1.0)
    schedule = lab.draw.one_of(None, cosine(lab.steps, 0.05, 10))
    return task, Loop(scaler=scaler, precision=torch.float16, clip=clip, schedule=schedule)


@healthy("infinite gradients on the first steps, while the loss scale comes down")
@sound
def loss_scale_warm_down(lab: Lab) -> Iterator[Row]:
    """The scaler starts far too high and halves its way to a scale that fits: skipped steps."""
    interval = lab.draw.one_of(200, 500, 2000)
    task, loop = _half_precision(lab, 2.0 ** lab.draw.integer(22, 34), interval)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    yield from train(lab, task, optimizer, loop)


@healthy("now and then an infinite gradient, one skipped step, half the scale")
@sound
def isolated_skipped_steps(lab: Lab) -> Iterator[Row]:
    """A short growth interval: the scale grows until one step overflows, and is halved."""
    interval = lab.draw.integer(15, 60)
    task, loop = _half_precision(lab, 2.0 ** lab.draw.integer(16, 20), interval)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    yield from train(lab, task, optimizer, loop)


@healthy("the loss scale doubles again and again")
@calm
def loss_scale_doubling(lab: Lab) -> Iterator[Row]:
    """A scaler that starts low and doubles throughout the run without one overflow."""
    interval = round(lab.steps / lab.draw.integer(3, 7))
    task, loop = _half_precision(lab, 2.0 ** lab.draw.integer(2, 8), interval)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    yield from train(lab, task, optimizer, loop)


@healthy("rounding noise of bfloat16 on loss and gradients")
@calm
def bfloat16_noise(lab: Lab) -> Iterator[Row]:
    """Autocast to bfloat16; in half the runs the loss itself is rounded to it."""
    task = noisy_task(lab)
    loop = habits(lab)
    loop.precision = torch.bfloat16
    if lab.draw.maybe(0.5):
        loop.loss = lambda output, targets, step: task.loss(output, targets).bfloat16().float()
    yield from train(lab, task, lab.optimizer(task, "adam", "adamw", "momentum"), loop)


@healthy("the rate jumps up and the validation loss drops where weight averaging starts")
@calm
def weight_averaging(lab: Lab) -> Iterator[Row]:
    """SWA: in the last part a constant higher rate, and validation with the averaged weights."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "rnn")
    average = AveragedModel(task.model)
    start = lab.middle(0.6, 0.8)
    wave, swa = cosine(start, 0.05), lab.draw.uniform(0.3, 0.8)

    def update(step: int) -> None:
        if step >= start:
            average.update_parameters(task.model)

    def validate() -> float:
        shown = average.module if int(average.n_averaged) else task.model
        with torch.no_grad():
            return float(task.loss(shown(task.inputs[:128]), task.targets[:128]))

    loop = Loop(
        schedule=lambda step: wave(step) if step < start else swa,
        after_step=update,
        validate_every=lab.draw.one_of(10, 20),
        validate=validate,
    )
    yield from train(lab, task, lab.optimizer(task, factor=lab.draw.uniform(1, 2)), loop)


@healthy("the loss drops at once where the moving average takes over")
@calm
def moving_average_takes_over(lab: Lab) -> Iterator[Row]:
    """At one step the live weights are replaced by their moving average, and training goes on."""
    lab.batch_size = lab.settings["batch_size"] = lab.draw.one_of(8, 16)
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "transformer")
    decay, at = lab.draw.one_of(0.9, 0.95, 0.98), lab.middle()
    average = copy.deepcopy(task.model)

    def update(step: int) -> None:
        live = task.model.state_dict()
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(live[name], 1 - decay)
        if step == at:
            task.model.load_state_dict(average.state_dict())

    optimizer = lab.optimizer(task, "adam", "adamw", "sgd", factor=lab.draw.uniform(1, 2))
    yield from train(lab, task, optimizer, Loop(after_step=update))


@healthy("the loss levels off high and the weights shrink under a large decay")
@calm
def large_weight_decay(lab: Lab) -> Iterator[Row]:
    """Weight decay strong enough to hold the loss up, meant so."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "rnn", "transformer")
    optimizer = lab.optimizer(task, "adamw", weight_decay=lab.draw.log_uniform(0.3, 6))
    loop = habits(lab)

    def weight_norm(step: int) -> Mapping[str, float]:
        with torch.no_grad():
            return {
                "weight_norm": float(
                    torch.stack([p.norm() for p in task.model.parameters()]).norm()
                )
            }

    loop.extra = weight_norm
    yield from train(lab, task, optimizer, loop)


class QuantizedLinear(nn.Linear):
    """Rounds its weight to a few bits, with a straight-through gradient, once `bits` is set."""

    bits: int | None = None

    def forward(self, x: Tensor) -> Tensor:
        weight: Tensor = self.weight
        if self.bits is not None:
            unit = weight.detach().abs().max() / 2 ** (self.bits - 1)
            weight = weight + ((weight / unit).round() * unit - weight).detach()
        return F.linear(x, weight, self.bias)


@healthy("the loss steps up a little where quantisation sets in, and is noisier from there on")
@calm
def quantization_aware_training(lab: Lab) -> Iterator[Row]:
    """Weights are rounded to 4 to 6 bits in forward from some step on."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    width, inputs = lab.draw.one_of(24, 32, 64), task.inputs.shape[1]
    outputs = task.classes or 1
    layers = [QuantizedLinear(inputs, width), QuantizedLinear(width, width)]
    head = QuantizedLinear(width, outputs)
    task.model = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), head)
    bits, at = lab.draw.integer(4, 6), lab.draw.one_of(0, lab.middle(0.4, 0.7))

    def switch(step: int) -> None:
        if step >= at:
            for layer in (*layers, head):
                layer.bits = bits

    loop = habits(lab)
    loop.after_step = switch
    yield from train(lab, task, lab.optimizer(task), loop)


@healthy("steps go back and are logged twice")
@calm
def resumed_with_full_state(lab: Lab) -> Iterator[Row]:
    """A killed run resumes from its checkpoint with all its state and repeats the steps since."""
    task = noisy_task(lab)
    optimizer = lab.optimizer(task)
    killed = lab.middle(0.4, 0.8)
    saved = killed - lab.draw.integer(3, 40)
    same_order = lab.draw.maybe(0.5)
    seed = lab.draw.integer(0, 2**31)
    checkpoint: tuple[dict[str, Tensor], dict[str, object]] | None = None

    def steps(first: int, end: int, life: int) -> Iterator[Row]:
        nonlocal checkpoint
        for step in range(first, end):
            if step == saved and life == 0:
                checkpoint = copy.deepcopy((task.model.state_dict(), optimizer.state_dict()))
            shuffled = torch.Generator().manual_seed(
                seed + step + (0 if same_order else life * 2**20)
            )
            chosen = torch.randint(len(task), (lab.batch_size,), generator=shuffled)
            loss = task.loss(task.model(task.inputs[chosen]), task.targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            norm, layers = grad_norms(task.model)
            optimizer.step()
            rate = optimizer.param_groups[0]["lr"]
            epoch = step * lab.batch_size / len(task)
            yield Row(step, float(loss.detach()), norm, rate=rate, epoch=epoch, layers=layers)

    yield from steps(0, killed, 0)
    assert checkpoint is not None
    task.model.load_state_dict(checkpoint[0])
    optimizer.load_state_dict(checkpoint[1])
    yield from steps(saved, lab.steps, 1)


def _linear_map(lab: Lab, strengths: list[float], escape: float) -> Iterator[Row]:
    """A two-layer linear network whose small weights leave the saddle after `escape` steps."""
    inputs, outputs = lab.draw.integer(6, 12), lab.draw.integer(len(strengths), 6)
    width = lab.draw.one_of(8, 16, 32)
    left = torch.linalg.qr(torch.randn(inputs, inputs))[0][:, : len(strengths)]
    right = torch.linalg.qr(torch.randn(outputs, outputs))[0][: len(strengths)]
    x = torch.randn(1024, inputs)
    y = x @ (left * torch.tensor(strengths)) @ right
    y = y + lab.draw.uniform(0.05, 0.3) * torch.randn_like(y)
    rate = lab.draw.uniform(0.02, 0.05)
    # e^(rate · strength · steps) is how the leading direction grows at the saddle
    start = math.exp(-rate * strengths[0] * escape)
    model = nn.Sequential(
        nn.Linear(inputs, width, bias=False), nn.Linear(width, outputs, bias=False)
    )
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(start * torch.randn_like(parameter) / width**0.5)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = torch.randint(len(x), (lab.batch_size,))
        return 0.5 * ((model(x[chosen]) - y[chosen]) ** 2).sum(1).mean(), {}

    yield from descend(lab, model, lab.optimizer_of(model, "sgd", rate), objective)


@healthy("no progress in the first third, and then it learns")
@calm
def slow_start_from_small_weights(lab: Lab) -> Iterator[Row]:
    """Small weights start next to a saddle: a flat loss, an exponentially growing gradient."""
    lab.steps = lab.draw.integer(300, 600)
    strength = lab.draw.uniform(1.0, 2.0)
    strengths = [strength * lab.draw.uniform(0.8, 1.0) ** k for k in range(lab.draw.integer(1, 3))]
    yield from _linear_map(lab, strengths, lab.steps * lab.draw.uniform(0.2, 0.4))


@healthy("plateaus of a hundred steps between the drops")
@calm
def saddle_to_saddle(lab: Lab) -> Iterator[Row]:
    """A factorised linear map learns its directions one after the other, strongest first."""
    lab.steps = lab.draw.integer(400, 600)
    top = lab.draw.uniform(2.0, 2.6)
    strengths = [top, top * lab.draw.uniform(0.3, 0.45), top * lab.draw.uniform(0.15, 0.2)]
    yield from _linear_map(lab, strengths, lab.steps * lab.draw.uniform(0.08, 0.15))


@healthy("the loss stays at chance for a long while: a parity has no partial credit")
@calm
def parity_plateau(lab: Lab) -> Iterator[Row]:
    """The product of two or three signs: the perceptron sits at chance and then gets it."""
    lab.steps = lab.draw.integer(400, 600)
    features, order = lab.draw.integer(8, 12), lab.draw.integer(2, 3)
    width = lab.draw.one_of(64, 128)
    model = nn.Sequential(nn.Linear(features, width), nn.ReLU(), nn.Linear(width, 1))
    rate = lab.draw.uniform(3e-3, 8e-3)
    optimizer = lab.optimizer_of(model, lab.draw.one_of("adam", "adamw"), rate)
    wrong = lab.draw.uniform(0.03, 0.1)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        x = torch.randint(2, (2 * lab.batch_size, features)) * 2.0 - 1
        sign = x[:, :order].prod(1) * torch.where(torch.rand(len(x)) < wrong, -1.0, 1.0)
        return F.binary_cross_entropy_with_logits(model(x)[:, 0], (sign + 1) / 2), {}

    yield from descend(lab, model, optimizer, objective, Loop(clip=lab.draw.one_of(None, 1.0)))


@healthy("the gradient norm steps up where the backbone is unfrozen")
@calm
def backbone_unfrozen(lab: Lab) -> Iterator[Row]:
    """First only the head trains; from some step on all weights do, and their gradients count."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "cnn", "rnn")
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    *backbone, _, _ = list(task.model.parameters())
    at = lab.middle(0.15, 0.5)
    for parameter in backbone:
        parameter.requires_grad_(False)

    def thaw(step: int) -> None:
        if step == at:
            for parameter in backbone:
                parameter.requires_grad_(True)

    loop = habits(lab)
    loop.after_step = thaw
    yield from train(lab, task, optimizer, loop)


@healthy("few steps, each of which takes the loss down by a lot, then none at all")
@sound
def quasi_newton(lab: Lab) -> Iterator[Row]:
    """Full-batch L-BFGS with a line search: steep, monotone, then level."""
    lab.steps = lab.draw.integer(40, 100)
    model, x, y = _curve(lab)
    # in single precision the line search gives up far from the minimum
    model, x, y = model.double(), x.double(), y.double()
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=lab.draw.integer(2, 5), line_search_fn="strong_wolfe"
    )
    lab.settings |= {"optimizer": "lbfgs", "learning_rate": 1.0}
    ridge = lab.draw.log_uniform(1e-4, 1e-3)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss = loss + ridge * torch.stack([(p**2).sum() for p in model.parameters()]).sum()
        loss.backward()
        return loss

    for step in range(lab.steps):
        loss = closure()
        norm, layers = grad_norms(model)
        optimizer.step(closure)
        yield Row(step, float(loss.detach()), norm, rate=1.0, epoch=float(step), layers=layers)


@healthy("updates of one size whatever the gradient: the loss jitters about its floor")
@calm
def sign_updates(lab: Lab) -> Iterator[Row]:
    """Gradients are replaced by their signs after the norm was measured (signSGD, Lion-like)."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "rnn", "transformer")
    rate = lab.draw.log_uniform(5e-4, 3e-3)
    optimizer = lab.optimizer_of(task.model, "sgd", rate)

    def signs(step: int) -> None:
        for parameter in task.model.parameters():
            if parameter.grad is not None:
                parameter.grad.sign_()

    schedule = lab.draw.one_of(None, cosine(lab.steps, 0.1))
    yield from train(lab, task, optimizer, Loop(before_step=signs, schedule=schedule))


@healthy("the loss is level where the rate is tiny in a long warm-up")
@calm
def long_warmup(lab: Lab) -> Iterator[Row]:
    """A warm-up from nearly 0 over a good part of the run: nothing moves in the first rows."""
    task = noisy_task(lab)
    up, start = lab.middle(0.3, 0.7), lab.draw.log_uniform(1e-4, 1e-2)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    # exponential in half of the runs: longer at next to nothing
    exponential = lab.draw.maybe(0.5)

    def rise(step: int) -> float:
        place = min(1.0, step / up)
        return start ** (1 - place) if exponential else start + (1 - start) * place

    yield from train(lab, task, optimizer, Loop(schedule=rise, clip=lab.draw.one_of(None, 1.0)))
