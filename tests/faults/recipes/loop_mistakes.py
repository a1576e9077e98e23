"""A9, A11, A13, A14: missing or misplaced clipping, gradients never cleared, and wrong signs."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.recipes.optimisation import EXPLODING, REGRESSIONS, usual_loop
from tests.faults.tasks import SGD_AND_ADAM, Task, mlp
from tests.faults.training import Loop, train

SPIKES, STALE, ASCENT = "unclipped_gradient_spikes", "missing_zero_grad", "gradient_ascent"
CLIPPED = "the global gradient norm is clipped"
CLEARED = "zero_grad() before each backward pass"


def student(freedom: float, shape: torch.Size) -> Tensor:
    """Student-t noise; below two degrees of freedom its variance is infinite."""
    return torch.distributions.StudentT(torch.tensor(freedom)).sample(shape)


def typical(values: Tensor) -> Tensor:
    """The median magnitude, by which data is scaled that has outliers."""
    return values.abs().median()


def heavy_tailed(lab: Lab) -> Task:
    """Data that is sound, but whose targets or features have heavy tails."""
    kind = lab.draw.one_of("targets", "amounts", "features", "loudness")
    if kind == "targets":
        task, freedom = lab.task("mlp_regression", "rnn"), lab.draw.uniform(1.1, 2)
        noise = lab.draw.log_uniform(0.1, 0.6) * student(freedom, task.targets.shape)
        task.targets, task.loss = task.targets + noise, F.mse_loss
        return task
    if kind == "loudness":
        task = lab.task("autoencoder", "autoencoder", "mlp_classification")
        size = torch.exp(lab.draw.uniform(0.9, 1.5) * torch.randn(len(task)))
        task.inputs = task.inputs * size.view(-1, *[1] * (task.inputs.dim() - 1))
        if task.regression:
            task.targets = task.inputs
        return task
    x = torch.randn(1600, lab.draw.integer(4, 12))
    weights = torch.randn(x.shape[1], 1) / x.shape[1] ** 0.5
    if kind == "amounts":
        # like prices or counts: nobody took their logarithm
        y = torch.exp(lab.draw.uniform(0.9, 1.5) * (x @ weights))
    else:
        x = x * student(lab.draw.uniform(1.5, 3), torch.Size([len(x), 1]))
        y = x @ weights + 0.3 * torch.randn(len(x), 1)
    x, y = x / typical(x), y / typical(y)
    lab.settings["model"] = "mlp_regression"
    model = mlp(lab.draw, x.shape[1], 1)
    return Task("mlp_regression", model, x, y, F.mse_loss, SGD_AND_ADAM, True)


def spiking(
    lab: Lab, task: Task, attempt: Callable[[Loop, torch.optim.Optimizer, float], None]
) -> Iterator[Row]:
    """Descend on heavy-tailed gradients; repaired, clipped as meant, else as `attempt` does it."""
    clip, loop = lab.draw.log_uniform(0.3, 4), usual_loop(lab, task)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=lab.draw.log_uniform(0.5, 4))
    lab.enter(0, abrupt=False)
    if lab.repaired:
        loop.clip = clip
    else:
        attempt(loop, optimizer, clip)
    yield from train(lab, task, optimizer, loop)


def no_clipping(loop: Loop, optimizer: torch.optim.Optimizer, clip: float) -> None:
    """What most authors write first."""


@failing("A9", EXPLODING, SPIKES, "spikes", CLIPPED)
def heavy_tails_unclipped(lab: Lab) -> Iterator[Row]:
    """Targets or features have heavy tails, and now and then a true sample kicks the weights."""
    yield from spiking(lab, heavy_tailed(lab), no_clipping)


@failing("A9", EXPLODING, SPIKES, "spikes", CLIPPED)
def importance_weights_unclipped(lab: Lab) -> Iterator[Row]:
    """Each sample's loss is weighted by a log-normal importance: few samples rule the gradient."""
    task = lab.task("mlp_classification", "cnn", "mlp_regression", "autoencoder")
    spread = lab.draw.uniform(1.8, 3.2)
    weights = torch.exp(spread * torch.randn(len(task)))
    weights /= weights.mean()
    chosen = torch.zeros(0)

    def remember(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal chosen
        chosen = weights[indices]
        return x, y

    def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
        if task.regression:
            each = F.mse_loss(output, target, reduction="none").flatten(1).mean(1)
        else:
            each = F.cross_entropy(output, target, reduction="none")
        return (chosen * each).mean()

    loop = usual_loop(lab, task)
    loop.batch, loop.loss = remember, loss
    clip = lab.draw.log_uniform(0.3, 2)
    loop.clip = clip if lab.repaired else None
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=lab.draw.log_uniform(1, 8))
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, loop)


@failing("A11", EXPLODING, SPIKES, "spikes", "clipping after the backward pass")
def clipping_before_backward(lab: Lab) -> Iterator[Row]:
    """clip_grad_norm_ runs before backward(), on cleared gradients: nothing is ever clipped."""
    task = heavy_tailed(lab)

    def attempt(loop: Loop, optimizer: torch.optim.Optimizer, clip: float) -> None:
        lab.settings["max_grad_norm"] = clip

        def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
            value = task.loss(output, target)
            optimizer.zero_grad()
            nn.utils.clip_grad_norm_(task.model.parameters(), clip)
            return value

        loop.loss = loss

    yield from spiking(lab, task, attempt)


@failing("A11", EXPLODING, SPIKES, "spikes", "clipping before the optimizer's step")
def clipping_after_step(lab: Lab) -> Iterator[Row]:
    """clip_grad_norm_ runs after step(): it clips what has been used already."""
    task = heavy_tailed(lab)

    def attempt(loop: Loop, optimizer: torch.optim.Optimizer, clip: float) -> None:
        lab.settings["max_grad_norm"] = clip
        parameters = list(task.model.parameters())

        def clip_too_late(step: int) -> None:
            nn.utils.clip_grad_norm_(parameters, clip)

        loop.after_step = clip_too_late

    yield from spiking(lab, task, attempt)


@failing("A11", EXPLODING, SPIKES, "spikes", "clipping of a list, not of a used-up generator")
def clipping_of_nothing(lab: Lab) -> Iterator[Row]:
    """clip_grad_norm_ gets the generator of parameters that the optimizer has used up before."""
    task = heavy_tailed(lab)

    def attempt(loop: Loop, optimizer: torch.optim.Optimizer, clip: float) -> None:
        lab.settings["max_grad_norm"] = clip
        parameters = task.model.parameters()
        torch.optim.SGD(parameters, 0.1)

        def clip_nothing(step: int) -> None:
            with warnings.catch_warnings():
                # torch tells since 2.5; older versions, and hand-written clipping, do not
                warnings.simplefilter("ignore")
                nn.utils.clip_grad_norm_(parameters, clip)

        loop.before_step = clip_nothing

    yield from spiking(lab, task, attempt)


def uncleared(lab: Lab, task: Task, optimizer: torch.optim.Optimizer, loop: Loop) -> Iterator[Row]:
    """Train without zero_grad unless repaired."""
    lab.enter(0, abrupt=False)
    loop.zero_grad = lab.repaired
    yield from train(lab, task, optimizer, loop)


@failing("A13", EXPLODING, STALE, "diverges", CLEARED)
def zero_grad_forgotten(lab: Lab) -> Iterator[Row]:
    """Gradients add up over all steps: descent with undamped momentum, which blows up later."""
    task = lab.task()
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(0.2, 4)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=factor)
    yield from uncleared(lab, task, optimizer, loop)


@failing("A13", EXPLODING, STALE, "spikes", CLEARED)
def zero_grad_forgotten_under_adam(lab: Lab) -> Iterator[Row]:
    """Adam's steps are bounded, so that old gradients only make it swing and the norm climb."""
    task = lab.task()
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(1, 20)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=factor)
    yield from uncleared(lab, task, optimizer, loop)


@failing("A13", EXPLODING, STALE, "spikes", CLEARED)
def zero_grad_forgotten_on_convex_loss(lab: Lab) -> Iterator[Row]:
    """A linear or logistic regression whose uncleared gradients swing without damping."""
    features, classes = lab.draw.integer(4, 20), lab.draw.integer(2, 6)
    x, logistic = torch.randn(1600, features), lab.draw.maybe(0.5)
    scores = 2 * x @ torch.randn(features, classes)
    y = scores.argmax(1) if logistic else scores + 0.1 * torch.randn(1600, classes)
    task = Task(
        "logistic" if logistic else "linear",
        nn.Linear(features, classes),
        x,
        y,
        F.cross_entropy if logistic else F.mse_loss,
        SGD_AND_ADAM,
    )
    lab.settings["model"] = task.name
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(0.05, 5)
    yield from uncleared(lab, task, lab.optimizer(task, "sgd", factor=factor), loop)


@failing("A13", EXPLODING, STALE, "spikes", "zero_grad() of both groups")
def zero_grad_of_one_group(lab: Lab) -> Iterator[Row]:
    """Two optimizers share the model, and the gradients of one of them are never cleared."""
    task = lab.task()
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(1, 20)
    optimizer = lab.optimizer(task, factor=factor)
    parameters = list(task.model.parameters())
    border = lab.draw.integer(1, len(parameters) - 1)
    cleared = parameters[:border] if lab.draw.maybe(0.5) else parameters[border:]

    def clear(step: int) -> None:
        for parameter in cleared:
            parameter.grad = None

    loop.after_step = clear
    yield from uncleared(lab, task, optimizer, loop)


@failing("A13", EXPLODING, STALE, "spikes", "zero_grad() inside the loop over batches")
def zero_grad_once_an_epoch(lab: Lab) -> Iterator[Row]:
    """zero_grad() stands outside the inner loop: the gradients add up until the epoch ends."""
    task = lab.task()
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(1, 20)
    optimizer = lab.optimizer(task, factor=factor)
    per_epoch = len(task) // lab.batch_size

    def clear(step: int) -> None:
        if (step + 1) % per_epoch == 0:
            optimizer.zero_grad()

    loop.after_step = clear
    yield from uncleared(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "spikes", "the loss without the minus")
def negated_loss(lab: Lab) -> Iterator[Row]:
    """The loss is negated, and falls without end."""
    task = lab.task()
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(0.1, 3)
    optimizer = lab.optimizer(task, factor=factor)
    lab.enter(0, abrupt=False)
    sign = 1 if lab.repaired else -1
    loop.loss = lambda output, target, step: sign * task.loss(output, target)
    yield from train(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "spikes", "the negative log-likelihood")
def log_likelihood_minimised(lab: Lab) -> Iterator[Row]:
    """A Gaussian's mean and log-variance are fitted by minimising the log-likelihood itself."""
    task = lab.task("mlp_regression")
    task.model = mlp(lab.draw, task.inputs.shape[1], 2)
    loop = usual_loop(lab, task)
    optimizer = lab.optimizer(task, factor=lab.draw.log_uniform(0.1, 2))
    lab.enter(0, abrupt=False)

    def likelihood(output: Tensor, target: Tensor) -> Tensor:
        mean, log_variance = output.chunk(2, dim=1)
        error = (target - mean) ** 2 / (log_variance.exp() + 0.01)
        return -(log_variance + error + math.log(2 * math.pi)).mean() / 2

    sign = -1 if lab.repaired else 1
    task.loss = lambda output, target: sign * likelihood(output, target)
    yield from train(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "diverges", "maximize=False")
def maximize_left_on(lab: Lab) -> Iterator[Row]:
    """The optimizer was made for a reward, with maximize=True, and now gets a loss."""
    task = lab.task()
    clip = lab.draw.one_of(None, None, 1.0)
    loop, factor = usual_loop(lab, task), lab.draw.log_uniform(0.1, 3)
    loop.clip = clip
    optimizer = lab.optimizer(task, factor=factor)
    lab.enter(0, abrupt=False)
    optimizer.param_groups[0]["maximize"] = not lab.repaired
    yield from train(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "diverges", "the rate ends at zero, not below")
def linear_decay_past_its_end(lab: Lab) -> Iterator[Row]:
    """Training goes on after a linear decay has ended: the rate is negative from then on."""
    task = lab.task()
    length, power = lab.middle(0.15, 0.5), lab.draw.one_of(1.0, 1.0, 3.0)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, factor=lab.draw.log_uniform(0.5, 5))

    def schedule(step: int) -> float:
        left = 1 - step / length
        # an odd power keeps the sign
        return max(left, 0.0) if lab.repaired else math.copysign(abs(left) ** power, left)

    loop.schedule = schedule
    lab.enter(length + 1, abrupt=False)
    yield from train(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "diverges", "the update is subtracted")
def handwritten_update_added(lab: Lab) -> Iterator[Row]:
    """A hand-written descent adds the rate times the gradient."""
    task = lab.task()
    loop, rate = usual_loop(lab, task, decays=False), lab.draw.log_uniform(0.003, 0.1)
    sign = -1 if lab.repaired else 1
    optimizer = lab.optimizer_of(task.model, "sgd", rate)
    lab.enter(0, abrupt=False)

    def update(step: int) -> None:
        with torch.no_grad():
            for parameter in task.model.parameters():
                if parameter.grad is not None:
                    parameter.add_(parameter.grad, alpha=sign * rate)
        # the optimizer that the loop steps has nothing left to do
        optimizer.zero_grad()

    loop.before_step = update
    yield from train(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "diverges", "a positive weight decay")
def negative_weight_decay(lab: Lab) -> Iterator[Row]:
    """The weight decay's sign is wrong: the weights grow by a factor each step."""
    task = lab.task()
    growth = lab.draw.log_uniform(0.02, 0.3)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adamw")
    lab.enter(0, abrupt=False)
    group = optimizer.param_groups[0]
    decay = growth / group["lr"]
    # the optimizers refuse a negative decay when made, but not from a group or a checkpoint
    group["weight_decay"] = 1e-4 if lab.repaired else -decay
    lab.settings["weight_decay"] = group["weight_decay"]
    yield from train(lab, task, optimizer, loop)


@failing("A14", EXPLODING, ASCENT, "spikes", "the penalty is added")
def penalty_subtracted(lab: Lab) -> Iterator[Row]:
    """The squared weights are subtracted from the loss, which rewards large weights."""
    task = lab.task(*REGRESSIONS, "mlp_classification", "cnn")
    strength = lab.draw.log_uniform(0.05, 1)
    loop = usual_loop(lab, task)
    optimizer = lab.optimizer(task)
    lab.enter(0, abrupt=False)
    sign = 1e-3 if lab.repaired else -1
    fit = 0.0

    def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
        nonlocal fit
        data = task.loss(output, target)
        fit = float(data.detach())
        penalty = torch.stack([p.pow(2).sum() for p in task.model.parameters()]).sum()
        return data + sign * strength * penalty

    loop.loss = loss
    for row in train(lab, task, optimizer, loop):
        # the loss on the data is what most authors log
        yield replace(row, loss=fit)


class Reversal(torch.autograd.Function):
    """The identity forward, and a factor backward."""

    @staticmethod
    def forward(ctx: object, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor  # type: ignore[attr-defined]
        return x.view_as(x)

    @staticmethod
    def backward(ctx: object, *grads: Tensor) -> tuple[Tensor, None]:
        return ctx.factor * grads[0], None  # type: ignore[attr-defined]


@failing("A14", EXPLODING, ASCENT, "diverges", "no gradient reversal before the main loss")
def reversal_before_main_loss(lab: Lab) -> Iterator[Row]:
    """A gradient-reversal layer meant for a domain head stands before the main loss."""
    task = lab.task()
    factor, loop = lab.draw.log_uniform(0.1, 2), usual_loop(lab, task)
    lab.enter(0, abrupt=False)
    if not lab.repaired:

        def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
            backward: Tensor = Reversal.apply(output, -factor)
            return task.loss(backward, target)

        loop.loss = loss
    optimizer = lab.optimizer(task, factor=lab.draw.uniform(0.3, 2))
    yield from train(lab, task, optimizer, loop)
