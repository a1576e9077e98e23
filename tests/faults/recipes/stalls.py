"""G1 to G3, B14, D6, E9, E10: runs in which nothing breaks and nothing is learned."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import SGD_AND_ADAM, Recurrent, Task
from tests.faults.training import Loop, train

STALLED = "stalled_training"
DENSE = ("mlp_regression", "mlp_classification", "autoencoder")


def _sizes(task: Task) -> tuple[int, int]:
    return task.inputs.shape[-1], task.classes or task.targets.shape[-1]


def _task(lab: Lab, *names: str) -> Task:
    """One of the tasks; a slow one gets fewer steps."""
    task = lab.task(*names)
    if task.name in ("transformer", "cnn", "rnn"):
        lab.steps = min(lab.steps, 320)
    return task


def _stack(
    sizes: tuple[int, int], width: int, depth: int, act: Callable[[], nn.Module]
) -> nn.Sequential:
    """A plain perceptron of this depth."""
    layers: list[nn.Module] = []
    size = sizes[0]
    for _ in range(depth):
        layers += [nn.Linear(size, width), act()]
        size = width
    return nn.Sequential(*layers, nn.Linear(size, sizes[1]))


def _linears(model: nn.Module) -> list[nn.Linear]:
    return [layer for layer in model.modules() if isinstance(layer, nn.Linear)]


def _he(model: nn.Module, gain: float = 2.0**0.5) -> None:
    """He's initialisation: signals keep their size from layer to layer."""
    for layer in _linears(model)[:-1]:
        nn.init.normal_(layer.weight, std=gain / layer.in_features**0.5)
        nn.init.zeros_(layer.bias)


@failing("G1", STALLED, "vanishing_gradients", "stalls", "ReLU and He's initialisation")
def deep_sigmoid_network(lab: Lab) -> Iterator[Row]:
    """Many layers of sigmoids, each of which takes three quarters of the gradient away."""
    task = _task(lab, *DENSE)
    depth, width = lab.draw.integer(5, 12), lab.draw.one_of(16, 32, 48)
    scale = lab.draw.log_uniform(0.3, 2.0)
    task.model = _stack(_sizes(task), width, depth, nn.ReLU if lab.repaired else nn.Sigmoid)
    _he(task.model, 2.0**0.5 if lab.repaired else scale)
    optimizer = lab.optimizer(
        task, "sgd", "momentum", "momentum", factor=lab.draw.log_uniform(0.3, 1.5)
    )
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, Loop(clip=lab.draw.one_of(None, 1.0)))


@failing("G1", STALLED, "vanishing_gradients", "stalls", "weights that keep the signal's size")
def deep_network_with_small_weights(lab: Lab) -> Iterator[Row]:
    """Weights of a deep network start so small that signal and gradient die on the way."""
    task = _task(lab, *DENSE, "cnn")
    depth, width = lab.draw.integer(4, 10), lab.draw.one_of(16, 32, 48)
    name = lab.draw.one_of("tanh", "gelu", "relu", "linear")
    act = {"tanh": nn.Tanh, "gelu": nn.GELU, "relu": nn.ReLU, "linear": nn.Identity}[name]
    small = lab.draw.log_uniform(0.02, 0.4)
    if task.name == "cnn":
        task.inputs = task.inputs.flatten(1)
    task.model = _stack(_sizes(task), width, depth, act)
    sound = 1.0 if name in ("tanh", "linear") else 2.0**0.5
    _he(task.model, sound if lab.repaired else small)
    optimizer = lab.optimizer(task, "sgd", "sgd", "momentum", factor=lab.draw.log_uniform(0.2, 1.0))
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, Loop(clip=lab.draw.one_of(None, 1.0)))


@failing("G1", STALLED, "vanishing_gradients", "stalls", "an orthogonal recurrent matrix")
def recurrence_that_forgets(lab: Lab) -> Iterator[Row]:
    """A recurrent matrix of small spectral radius: the gradient never reaches the first steps."""
    draw = lab.draw
    time, hidden, classes = draw.integer(14, 30), draw.one_of(16, 24, 32), draw.integer(2, 5)
    lab.steps = min(lab.steps, 400)
    # what counts is said at the start of the sequence
    y = torch.randint(classes, (1024,))
    x = draw.uniform(0.1, 0.4) * torch.randn(1024, time, classes)
    x[:, 0] += 1.5 * F.one_hot(y, classes)
    cell = nn.RNN(classes, hidden, batch_first=True)
    radius = draw.uniform(0.1, 0.6)
    matrix = torch.empty(hidden, hidden)
    nn.init.orthogonal_(matrix)
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            if name == "weight_hh_l0":
                parameter.copy_(matrix if lab.repaired else radius * matrix)
            elif "bias" in name:
                parameter.zero_()
    rates = {"adam": 2e-3, "momentum": 0.02, "sgd": 0.1}
    model = Recurrent(cell, hidden, classes)
    task = Task("rnn", model, x, y, F.cross_entropy, rates, classes=classes)
    lab.settings |= {"model": "rnn", "sequence_length": time}
    optimizer = lab.optimizer(task, "adam", "momentum", "sgd")
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, Loop(clip=draw.one_of(1.0, 5.0, None)))


@failing("G1", STALLED, "vanishing_gradients", "stalls", "an output bias of zero")
def squared_error_of_saturated_sigmoids(lab: Lab) -> Iterator[Row]:
    """A bias meant as a prior puts sigmoid outputs where they are flat, and they stay there."""
    draw = lab.draw
    features, outputs = draw.integer(6, 20), draw.integer(1, 5)
    x = torch.randn(1024, features)
    y = (torch.sigmoid(3 * x @ torch.randn(features, outputs) / features**0.5) > 0.5).float()
    bias = draw.one_of(-1, 1) * draw.uniform(7, 30)
    model = _stack((features, outputs), draw.one_of(16, 32), draw.integer(1, 3), nn.ReLU)
    _he(model)
    nn.init.constant_(_linears(model)[-1].bias, 0.0 if lab.repaired else bias)
    model = nn.Sequential(*model, nn.Sigmoid())
    rates = {"sgd": 0.3, "momentum": 0.05}
    task = Task("mlp_classification", model, x, y, F.mse_loss, rates, True)
    lab.settings["model"] = "mlp_classification"
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=draw.log_uniform(0.1, 1))
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer)


def _rectified(lab: Lab, depth: int) -> Task:
    """A task with a plain ReLU network; shallow or deep."""
    task = _task(lab, *DENSE, "cnn")
    if task.name == "cnn" and lab.draw.maybe(0.5):
        channels, classes = lab.draw.one_of(4, 8), task.classes
        layers: list[nn.Module] = [nn.Conv2d(1, channels, 3, padding=1), nn.ReLU()]
        layers += [nn.MaxPool2d(2), nn.Conv2d(channels, channels, 3), nn.ReLU(), nn.Flatten()]
        task.model = nn.Sequential(*layers, nn.Linear(4 * channels, classes))
        return task
    if task.name == "cnn":
        task.inputs = task.inputs.flatten(1)
    task.model = _stack(_sizes(task), lab.draw.one_of(16, 32, 48), depth, nn.ReLU)
    return task


def _counting_dead(lab: Lab, task: Task) -> Callable[[int], dict[str, float]] | None:
    """A careful author logs how many units are zero for all of some inputs; most do not."""
    if not lab.draw.maybe(0.3):
        return None
    name = lab.draw.one_of("dead_units", "dead_relu_fraction", "activations/zero_fraction")
    found: list[Tensor] = []
    for layer in task.model.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(
                lambda _m, _i, out: found.append((out <= 0).flatten(1).all(0).float().mean())
            )

    def extra(_: int) -> dict[str, float]:
        value = float(torch.stack(found).mean())
        found.clear()
        return {name: value}

    return extra


DEAD = 0.7


def _if_dead(lab: Lab, task: Task, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows of a run that ends with a dead layer, near its first loss; none (a redraw) else."""
    finished = list(rows)
    first, last = finished[0].loss or 0.0, finished[-1].loss or 0.0
    shares: list[float] = []
    for layer in task.model.modules():
        if isinstance(layer, nn.ReLU):
            layer.register_forward_hook(
                lambda _m, _i, out: shares.append(
                    float((out <= 0).flatten(1).all(0).float().mean())
                )
            )
    with torch.no_grad():
        task.model(task.inputs[:256])
    if lab.repaired or (max(shares) >= DEAD and last < 2 * first):
        yield from finished


# what a burst leaves behind is not its cause: the first abnormal row is the burst
@failing(
    "G2",
    "exploding_gradients",
    "learning_rate_schedule",
    "stalls",
    "no burst of the learning rate",
)
def units_killed_by_a_burst(lab: Lab) -> Iterator[Row]:
    """A few steps at a far too high rate push the ReLUs below zero for all inputs, for good."""
    task = _rectified(lab, lab.draw.integer(1, 5))
    at, length = lab.draw.integer(0, lab.steps // 2), lab.draw.integer(1, 8)
    factor = lab.draw.log_uniform(30, 3000)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam", "adamw")
    extra = _counting_dead(lab, task)

    def schedule(step: int) -> float:
        return factor if at <= step < at + length and not lab.repaired else 1.0

    lab.enter(at, abrupt=False)
    loop = Loop(schedule=schedule, extra=extra, clip=lab.draw.one_of(None, 1.0, 5.0))
    yield from _if_dead(lab, task, train(lab, task, optimizer, loop))


@failing("G2", STALLED, "dead_units", "stalls", "biases that start at zero")
def biases_that_start_negative(lab: Lab) -> Iterator[Row]:
    """Biases of the hidden layers start far below zero: no ReLU ever opens."""
    task = _rectified(lab, lab.draw.integer(1, 4))
    bias = -lab.draw.log_uniform(1.5, 30)
    hidden = [m for m in task.model.modules() if isinstance(m, nn.Linear | nn.Conv2d)][:-1]
    place = lab.draw.integer(0, len(hidden) - 1)
    chosen = hidden if lab.draw.maybe(0.5) else hidden[place : place + 1]
    for layer in chosen:
        assert layer.bias is not None
        nn.init.constant_(layer.bias, 0.0 if lab.repaired else bias)
    decay = lab.draw.one_of(0.0, 0.0, 0.01)
    optimizer = lab.optimizer(task, weight_decay=decay)
    extra = _counting_dead(lab, task)
    lab.enter(0, abrupt=False)
    yield from _if_dead(lab, task, train(lab, task, optimizer, Loop(extra=extra)))


@failing("G2", "bad_data", "outlier_batch", "stalls", "the batch in the unit of the others")
def units_killed_by_one_batch(lab: Lab) -> Iterator[Row]:
    """One batch with targets in a wrong unit takes steps after which no ReLU opens again."""
    task = _task(lab, "mlp_regression", "autoencoder")
    task.model = _stack(_sizes(task), lab.draw.one_of(16, 32), lab.draw.integer(1, 4), nn.ReLU)
    # brightnesses and other quantities that are never negative
    task.inputs = torch.sigmoid(1.5 * task.inputs)
    task.loss = F.mse_loss
    at, unit = lab.middle(0.02, 0.6), lab.draw.log_uniform(20, 500)
    # all of the batch, or a part of it
    count = lab.draw.one_of(lab.batch_size, lab.batch_size, 8)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=lab.draw.log_uniform(0.5, 3))
    extra = _counting_dead(lab, task)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        if step == at:
            lab.enter(at, tuple(indices[:count].tolist()))
            if not lab.repaired:
                y = y.clone()
                y[:count] = unit * (y[:count] + 1)
        return x, y

    loop = Loop(batch=batch, extra=extra, clip=lab.draw.one_of(None, 30.0, 100.0))
    yield from _if_dead(lab, task, train(lab, task, optimizer, loop))


@failing("G2", STALLED, "dead_units", "stalls", "a linear output layer")
def rectified_output(lab: Lab) -> Iterator[Row]:
    """A ReLU behind the last layer closes over targets that are mostly negative, and stays shut."""
    task = _task(lab, "mlp_regression", "mlp_regression", "rnn")
    shift = lab.draw.uniform(0.0, 1.5)
    task.targets = task.targets - shift
    bias = -lab.draw.uniform(0.0, 2.0)
    if lab.draw.maybe(0.5):
        # the first output lies below zero: shut from the start
        nn.init.constant_(_linears(task.model)[-1].bias, bias)
    if not lab.repaired:
        task.model = nn.Sequential(task.model, nn.ReLU())
    optimizer = lab.optimizer(task, factor=lab.draw.log_uniform(0.5, 4))
    lab.enter(0, abrupt=False)
    rows = list(train(lab, task, optimizer))
    # an output that opens now and then learns after all; no rows make a redraw
    if lab.repaired or all(row.grad_norm == 0 for row in rows[-10:]):
        yield from rows


def _per_epoch(lab: Lab, task: Task) -> int:
    return len(task) // lab.batch_size


def _slow(lab: Lab) -> tuple[Task, torch.optim.Optimizer]:
    """A task at a rate with which it needs the whole run to be learned."""
    lab.steps = max(lab.steps, 280)
    task = _task(lab)
    factor = lab.draw.log_uniform(0.05, 0.6)
    return task, lab.optimizer(task, factor=factor)


COLLAPSED = "collapsed_learning_rate"


@failing("G3", STALLED, COLLAPSED, "stalls", "the scheduler steps once per epoch")
def scheduler_stepped_per_batch(lab: Lab) -> Iterator[Row]:
    """A decay meant for epochs is stepped with every batch, and the rate is gone at once."""
    task, optimizer = _slow(lab)
    kind = lab.draw.one_of("exponential", "step", "multistep")
    decay, period = lab.draw.uniform(0.7, 0.95), lab.draw.integer(4, 15)
    scheduler: lr_scheduler.LRScheduler
    if kind == "exponential":
        scheduler = lr_scheduler.ExponentialLR(optimizer, decay)
    elif kind == "step":
        factor = lab.draw.one_of(0.1, 0.3, 0.5)
        scheduler = lr_scheduler.StepLR(optimizer, period, factor)
    else:
        milestones = [period, 2 * period, 3 * period]
        scheduler = lr_scheduler.MultiStepLR(optimizer, milestones, 0.1)
    every = _per_epoch(lab, task)

    def after_step(step: int) -> None:
        if not lab.repaired or (step + 1) % every == 0:
            scheduler.step()

    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, Loop(after_step=after_step))


@failing("G3", STALLED, COLLAPSED, "stalls", "a schedule as long as the run")
def schedule_shorter_than_the_run(lab: Lab) -> Iterator[Row]:
    """The schedule counts the steps of too short a run, and the rate stays at its end: nothing."""
    task, optimizer = _slow(lab)
    share = lab.draw.uniform(0.03, 0.25)
    end = lab.steps if lab.repaired else round(lab.steps * share)
    warm, least = lab.draw.one_of(0, 0, 5), lab.draw.one_of(0.0, 0.0, 1e-3)
    kind = lab.draw.one_of("cosine", "linear", "polynomial")

    def schedule(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        left = 1 - min(1.0, (step - warm) / max(1, end - warm))
        curve = {"linear": left, "polynomial": left**2}.get(
            kind, 0.5 - 0.5 * math.cos(math.pi * left)
        )
        return least + (1 - least) * curve

    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, Loop(schedule=schedule))


@failing("G3", STALLED, COLLAPSED, "stalls", "the scheduler is not stepped with batch losses")
def plateau_scheduler_without_patience(lab: Lab) -> Iterator[Row]:
    """ReduceLROnPlateau reads noisy batch losses, in the wrong mode or with no patience."""
    task, optimizer = _slow(lab)
    wrong_mode = lab.draw.maybe(0.3)
    factor, patience = lab.draw.one_of(0.1, 0.3, 0.5, 0.8), lab.draw.integer(0, 2)
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer,
        "max" if wrong_mode else "min",
        factor=factor,
        patience=patience,
        eps=0.0,
    )
    from_step, last = lab.draw.one_of(0, 0, 20), [0.0]
    lab.settings |= {"scheduler": "ReduceLROnPlateau", "patience": patience, "factor": factor}

    def loss(out: Tensor, y: Tensor, _: int) -> Tensor:
        value = task.loss(out, y)
        last[0] = float(value.detach())
        return value

    def after_step(step: int) -> None:
        if step >= from_step and not lab.repaired:
            scheduler.step(last[0])

    lab.enter(from_step, abrupt=False)
    yield from train(lab, task, optimizer, Loop(loss=loss, after_step=after_step))


@failing("G3", STALLED, COLLAPSED, "stalls", "a warm-up of a few per cent of the run")
def warm_up_that_never_ends(lab: Lab) -> Iterator[Row]:
    """The warm-up is counted in another unit than the run: the rate never leaves the ground."""
    task = _task(lab)
    optimizer = lab.optimizer(task, factor=lab.draw.log_uniform(0.5, 1.5))
    sound = max(1, round(lab.steps * lab.draw.uniform(0.01, 0.1)))
    longer = lab.draw.log_uniform(1e3, 1e6)
    warm = sound if lab.repaired else round(sound * longer)
    lab.settings["warmup_steps"] = warm
    lab.enter(0, abrupt=False)
    loop = Loop(schedule=lambda step: min(1.0, (step + 1) / warm))
    yield from train(lab, task, optimizer, loop)


NOTHING = "nothing_learned"


@failing("E9", STALLED, NOTHING, "stalls", "the optimizer gets the model's parameters")
def optimizer_over_another_copy(lab: Lab) -> Iterator[Row]:
    """The optimizer holds the parameters of the model before it was copied, rebuilt or replaced."""
    task = _task(lab)
    optimizer = lab.optimizer(task)
    copied = copy.deepcopy(task.model)
    if not lab.repaired:
        task.model = copied
    lab.enter(0, abrupt=False)
    # model.zero_grad(), since the optimizer's would leave the gradients to pile up
    yield from train(lab, task, optimizer, Loop(zero_grad=False, batch=_clear(task)))


def _clear(task: Task) -> Callable[[int, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]:
    def batch(_: int, x: Tensor, y: Tensor, __: Tensor) -> tuple[Tensor, Tensor]:
        task.model.zero_grad(set_to_none=True)
        return x, y

    return batch


@failing("G3", STALLED, NOTHING, "stalls", "all parameters are trained")
def parameters_left_frozen(lab: Lab) -> Iterator[Row]:
    """Nearly all parameters are frozen; what is left cannot learn the task."""
    task = _task(lab)
    parameters = list(task.model.parameters())
    # biases, or a normalisation: what a pattern over names left over
    left = lab.draw.one_of("last", "vectors", "one")
    place = lab.draw.integer(0, len(parameters) - 1)
    for at, parameter in enumerate(parameters):
        trained = {"last": at == len(parameters) - 1 and parameter.dim() == 1,
                   "vectors": parameter.dim() == 1, "one": at == place}[left]  # fmt: skip
        parameter.requires_grad_(trained or lab.repaired)
    if not any(p.requires_grad for p in parameters):
        parameters[0].requires_grad_(True)
    lab.enter(0, abrupt=False)
    factor = lab.draw.log_uniform(0.1, 1)
    yield from train(lab, task, lab.optimizer(task, factor=factor))


@failing("E10", STALLED, NOTHING, "stalls", "the loss is taken of the output itself")
def loss_of_a_copied_output(lab: Lab) -> Iterator[Row]:
    """The loss is taken of a copy of the output that has no graph: no gradient gets through."""
    task = _task(lab)
    optimizer = lab.optimizer(task)
    penalty = lab.draw.one_of(None, 0.0, 1e-4)
    parameter = next(iter(task.model.parameters()))

    def loss(out: Tensor, y: Tensor, _: int) -> Tensor:
        if lab.repaired:
            return task.loss(out, y)
        copied = torch.tensor(out.detach().numpy(), requires_grad=True)
        value = task.loss(copied, y)
        # a penalty on a weight keeps a gradient in the log
        return value if penalty is None else value + penalty * parameter.square().sum()

    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, Loop(loss=loss))


@failing("B14", STALLED, NOTHING, "stalls", "inputs and targets in the same order")
def targets_in_another_order(lab: Lab) -> Iterator[Row]:
    """Inputs and targets were shuffled apart: nothing in an input tells its target."""
    task = _task(lab)
    order = torch.randperm(len(task))
    kind = lab.draw.one_of("all", "all", "within", "shift")
    if kind == "shift":
        order = torch.arange(len(task)).roll(lab.draw.integer(1, 50))
    if not lab.repaired and kind != "within":
        task.targets = task.targets[order]

    def batch(_: int, x: Tensor, y: Tensor, __: Tensor) -> tuple[Tensor, Tensor]:
        # drawn either way, so that the twin sees the same random numbers
        within = torch.randperm(len(y))
        return x, y[within] if kind == "within" and not lab.repaired else y

    lab.enter(0, abrupt=False)
    yield from train(lab, task, lab.optimizer(task), Loop(batch=batch))


@failing("G3", STALLED, NOTHING, "stalls", "a rate at which the task is learned")
def learning_rate_far_too_low(lab: Lab) -> Iterator[Row]:
    """The learning rate is orders of magnitude too low for the run to get anywhere."""
    task = _task(lab)
    factor = lab.draw.log_uniform(1e-7, 1e-2)
    optimizer = lab.optimizer(task, factor=1.0 if lab.repaired else factor)
    warm, clip = lab.draw.one_of(0, 0, 20), lab.draw.one_of(None, 1.0)
    lab.enter(0, abrupt=False)
    loop = Loop(schedule=lambda step: min(1.0, (step + 1) / (warm + 1)), clip=clip)
    yield from train(lab, task, optimizer, loop)


@failing("D6", STALLED, NOTHING, "stalls", "weights in float32")
def updates_rounded_away_in_bfloat16(lab: Lab) -> Iterator[Row]:
    """Weights are bfloat16, and an update below a 256th of a weight leaves it as it was."""
    task = _task(lab, "mlp_regression", "mlp_classification", "autoencoder", "transformer", "cnn")
    kind = lab.draw.one_of("sgd", "adam", "adamw")
    low = 0.2 if kind == "sgd" else 0.02
    factor = lab.draw.log_uniform(low, 5 * low)
    if not lab.repaired:
        task.model = _InBfloat16(task.model)
    optimizer = lab.optimizer_of(task.model, kind, task.rates[kind] * factor)
    lab.settings["precision"] = "32" if lab.repaired else "bf16-true"
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer)


class _InBfloat16(nn.Module):
    """A model with bfloat16 weights, and float32 outputs for the loss."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner.bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.inner(x.bfloat16() if x.is_floating_point() else x)
        return out.float()


@failing("G3", STALLED, NOTHING, "stalls", "a sigmoid instead of the softmax")
def softmax_over_a_single_output(lab: Lab) -> Iterator[Row]:
    """A softmax over one logit is always 1: the loss is constant and has no gradient."""
    draw = lab.draw
    features = draw.integer(4, 16)
    x = torch.randn(1024, features)
    y = (x @ torch.randn(features, 1) + 0.3 * torch.randn(1024, 1) > 0).float()
    act = draw.one_of(nn.ReLU, nn.Tanh, nn.GELU)
    model = _stack((features, 1), draw.one_of(16, 32), draw.integer(1, 3), act)
    squared = draw.maybe(0.6)
    # every probability is 1, so a cross-entropy has to be kept from log(0)
    softened = draw.uniform(0.02, 0.2)

    def loss(out: Tensor, target: Tensor) -> Tensor:
        p = torch.sigmoid(out) if lab.repaired else torch.softmax(out, dim=1)
        if squared:
            return F.mse_loss(p, target)
        return F.binary_cross_entropy(p.clamp(softened / 2, 1 - softened / 2), target)

    task = Task("mlp_classification", model, x, y, loss, SGD_AND_ADAM)
    lab.settings["model"] = "mlp_classification"
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer)


@failing("G3", STALLED, NOTHING, "stalls", "a weight decay of 0.01")
def weight_decay_beyond_the_gradient(lab: Lab) -> Iterator[Row]:
    """Weight decay pulls all weights to zero faster than the gradient can build them up."""
    task = _task(lab, "mlp_regression", "mlp_classification", "cnn", "rnn", "autoencoder")
    decay = lab.draw.log_uniform(0.3, 5)
    kind = lab.draw.one_of("sgd", "momentum", "adam", "adamw")
    # AdamW's decay is not weighed against a gradient: it takes more of it
    decay *= 30 if kind == "adamw" else 1
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, kind, weight_decay=0.01 if lab.repaired else decay)
    yield from train(lab, task, optimizer)
