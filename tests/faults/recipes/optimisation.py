"""A1 to A6, A12, E6: learning rates and schedules that the run cannot follow."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import SGD_AND_ADAM, Block, Task, Transformer, token_loss
from tests.faults.training import Loop, train

EXPLODING = "exploding_gradients"
RATE, SCHEDULE = "learning_rate_too_high", "learning_rate_schedule"
REGRESSIONS = ("mlp_regression", "autoencoder", "rnn")
CLASSIFICATIONS = ("mlp_classification", "cnn", "transformer")
Schedule = Callable[[int], float]


def usual_loop(lab: Lab, task: Task, *, decays: bool = True) -> Loop:
    """A sound loop with habits that differ between authors."""
    every = lab.draw.one_of(None, None, None, 20, 50)
    watches_weights, warmup, shape = lab.draw.maybe(0.2), lab.draw.integer(1, 20), "constant"
    if decays:
        shape = lab.draw.one_of("constant", "constant", "cosine", "linear", "warmup")

    def schedule(step: int) -> float:
        done = step / lab.steps
        return {
            "cosine": 0.05 + 0.95 * (1 + math.cos(math.pi * done)) / 2,
            "linear": 1 - 0.9 * done,
            "warmup": min(1.0, (step + 1) / warmup),
        }.get(shape, 1.0)

    def weight_norm(step: int) -> dict[str, float]:
        squares = (float(p.detach().pow(2).sum()) for p in task.model.parameters())
        return {"weight_norm": math.sqrt(sum(squares))}

    return Loop(
        schedule=None if shape == "constant" else schedule,
        validate_every=every,
        extra=weight_norm if watches_weights else None,
    )


def too_high(
    lab: Lab, task: Task, kinds: tuple[str, ...], factor: float, clip: float | None = None
) -> Iterator[Row]:
    """Train at `factor` times a sound rate, from the first step on."""
    loop = replace(usual_loop(lab, task), clip=clip)
    lab.enter(0, abrupt=False)
    yield from train(
        lab, task, lab.optimizer(task, *kinds, factor=1.0 if lab.repaired else factor), loop
    )


@failing("A1", EXPLODING, RATE, "diverges", "a learning rate below the limit 2/λ")
def sgd_beyond_stability(lab: Lab) -> Iterator[Row]:
    """Plain or heavy-ball gradient descent with a rate beyond 2/λ: it overshoots from the start."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder", "transformer")
    yield from too_high(lab, task, ("sgd", "momentum"), lab.draw.log_uniform(10, 300))


@failing("A1", EXPLODING, RATE, "diverges", "a third of 1/λ instead of a bit more than 2/λ")
def linear_model_beyond_stability(lab: Lab) -> Iterator[Row]:
    """A linear model on correlated features, whose rate is a little over the limit 2/λ."""
    features, shared = lab.draw.integer(3, 24), lab.draw.uniform(0.1, 2.0)
    x = torch.randn(1600, features) + shared * torch.randn(1600, 1)
    y = x @ torch.randn(features, 1) + lab.draw.log_uniform(0.05, 0.5) * torch.randn(1600, 1)
    model = nn.Linear(features, 1)
    curvature = 2 * float(torch.linalg.eigvalsh(x.T @ x / len(x))[-1])
    over = lab.draw.log_uniform(1.15, 4)
    rate = (0.3 if lab.repaired else 2 * over) / curvature
    task = Task("linear", model, x, y, F.mse_loss, {}, True)
    lab.settings["model"] = "linear"
    loop = usual_loop(lab, task, decays=False)
    lab.enter(0, abrupt=False)
    yield from train(lab, task, lab.optimizer_of(model, "sgd", rate), loop)


@failing("A1", EXPLODING, RATE, "diverges", "a learning rate that suits heavy-ball momentum")
def near_undamped_momentum(lab: Lab) -> Iterator[Row]:
    """Momentum of 0.97 to 0.995, with or without Nesterov, at a plain optimizer's rate or above."""
    task = lab.task("mlp_regression", "autoencoder", "mlp_classification", "rnn", "cnn")
    momentum, nesterov = lab.draw.uniform(0.97, 0.995), lab.draw.maybe(0.4)
    rate = task.rates["sgd"] * lab.draw.log_uniform(3, 60)
    loop = usual_loop(lab, task)
    if lab.repaired:
        rate = task.rates["momentum"] * (1 - momentum) / 0.1
    lab.enter(0, abrupt=False)
    lab.settings |= {"optimizer": "sgd", "momentum": momentum, "learning_rate": rate}
    optimizer = torch.optim.SGD(task.model.parameters(), rate, momentum, nesterov=nesterov)
    yield from train(lab, task, optimizer, loop)


@failing("A1", EXPLODING, RATE, "diverges", "a learning rate that needs no clipping to survive")
def clipped_steps_too_long(lab: Lab) -> Iterator[Row]:
    """Clipping bounds each step, yet at this rate every step is too long: no geometric growth."""
    task = lab.task("mlp_regression", "autoencoder", "rnn", "mlp_classification", "transformer")
    clip, factor = lab.draw.one_of(0.25, 0.5, 1.0, 5.0), lab.draw.log_uniform(50, 3000)
    yield from too_high(lab, task, ("sgd", "momentum"), factor, clip)


@failing("A1", EXPLODING, RATE, "diverges", "the sound rate for that group too")
def one_group_at_too_high_rate(lab: Lab) -> Iterator[Row]:
    """Only the last parameters (a fresh head) get a rate too high; the log shows the others'."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder", "rnn")
    kind = lab.draw.one_of("sgd", "momentum", "adam")
    factor = lab.draw.log_uniform(30, 3000)
    optimizer = lab.optimizer(task, kind)
    loop = usual_loop(lab, task)
    lab.enter(0, abrupt=False)
    group = optimizer.param_groups[0]
    *body, weight, bias = group["params"]
    group["params"] = body
    head_rate = group["lr"] * (1.0 if lab.repaired else factor)
    optimizer.add_param_group({"params": [weight, bias], "lr": head_rate})
    yield from train(lab, task, optimizer, loop)


@failing("A3", EXPLODING, RATE, "diverges", "Adam at a hundredth or less of the rate")
def adam_regression_too_high(lab: Lab) -> Iterator[Row]:
    """Adam on a squared error with far too high a rate: a jump, then a high plateau."""
    task = lab.task(*REGRESSIONS)
    factor, clip = lab.draw.log_uniform(60, 3000), lab.draw.one_of(None, None, 1.0)
    yield from too_high(lab, task, ("adam", "adamw"), factor, clip)


@failing("A3", EXPLODING, RATE, "diverges", "Adam at a hundredth or less of the rate")
def adam_classification_too_high(lab: Lab) -> Iterator[Row]:
    """Adam on a cross-entropy with far too high a rate: a jump, then ln C or worse."""
    task = lab.task(*CLASSIFICATIONS)
    factor, clip = lab.draw.log_uniform(60, 3000), lab.draw.one_of(None, None, 1.0)
    yield from too_high(lab, task, ("adam", "adamw"), factor, clip)


@failing("A3", EXPLODING, RATE, "spikes", "the rate that the adaptive optimizer needs")
def adaptive_optimizer_at_sgd_rate(lab: Lab) -> Iterator[Row]:
    """RMSprop, Adagrad, NAdam or Adamax with the rate of 0.1 to 5 that plain descent had."""
    task = lab.task()
    kind = lab.draw.one_of(
        torch.optim.RMSprop, torch.optim.Adagrad, torch.optim.NAdam, torch.optim.Adamax
    )
    sound = 2e-2 if kind is torch.optim.Adagrad else task.rates["adam"]
    rate = lab.draw.log_uniform(0.1, 5)
    loop = usual_loop(lab, task)
    lab.enter(0, abrupt=False)
    rate = sound if lab.repaired else rate
    lab.settings |= {"optimizer": kind.__name__.lower(), "learning_rate": rate}
    optimizer: torch.optim.Optimizer = kind(task.model.parameters(), lr=rate)
    yield from train(lab, task, optimizer, loop)


class PostNormBlock(Block):
    """Norms after the residual sums, which make a warm-up necessary."""

    def forward(self, x: Tensor) -> Tensor:
        batch, time, width = x.shape
        q, k, v = (
            part.view(batch, time, 2, width // 2).transpose(1, 2)
            for part in self.qkv(x).chunk(3, dim=-1)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = self.norm1(x + self.proj(mixed.transpose(1, 2).reshape(batch, time, width)))
        out: Tensor = self.norm2(x + self.down(F.gelu(self.up(x))))
        return out


@failing("A4", EXPLODING, RATE, "stalls", "a linear warm-up to the same rate")
def transformer_without_warmup(lab: Lab) -> Iterator[Row]:
    """A post-norm transformer under Adam starts at its full rate and stays on the plateau ln C."""
    vocabulary, time, width = lab.draw.one_of(8, 16, 32), lab.draw.integer(8, 12), 32
    lab.steps, layers = lab.draw.integer(160, 240), lab.draw.integer(3, 5)
    tokens = torch.randint(vocabulary, (1024, time))
    # to name the token before needs attention, which an Embedding and a head alone lack
    targets = tokens.roll(1, dims=1)
    targets[:, 0] = -100
    model = Transformer(vocabulary, time, width, layers)
    model.blocks = nn.ModuleList(PostNormBlock(width) for _ in range(layers))
    task = Task("recall", model, tokens, targets, token_loss, SGD_AND_ADAM, classes=vocabulary)
    rate, beta2 = lab.draw.log_uniform(0.02, 0.06), lab.draw.one_of(0.95, 0.98, 0.999)
    kind = lab.draw.one_of(torch.optim.Adam, torch.optim.AdamW)
    warmup, loop = lab.draw.integer(60, 100), usual_loop(lab, task, decays=False)
    if lab.repaired:
        loop.schedule = lambda step: min(1.0, (step + 1) / warmup)
    lab.enter(0, abrupt=False)
    lab.settings |= {"model": "transformer", "optimizer": kind.__name__.lower()}
    lab.settings |= {"learning_rate": rate, "beta2": beta2}
    optimizer = kind(model.parameters(), lr=rate, betas=(0.9, beta2))
    yield from train(lab, task, optimizer, loop)


def curvature(task: Task) -> float:
    """The largest eigenvalue of the loss's Hessian at some samples, by power iteration."""
    parameters = list(task.model.parameters())
    loss = task.loss(task.model(task.inputs[:256]), task.targets[:256])
    slopes = torch.autograd.grad(loss, parameters, create_graph=True)
    direction = [torch.randn_like(p) for p in parameters]
    size = 1.0
    for _ in range(20):
        size = math.sqrt(sum(float(d.pow(2).sum()) for d in direction))
        unit = [d / size for d in direction]
        product = torch.stack([(g * d).sum() for g, d in zip(slopes, unit, strict=True)]).sum()
        direction = list(torch.autograd.grad(product, parameters, retain_graph=True))
    return size


@failing("A4", EXPLODING, RATE, "diverges", "a warm-up, in which the curvature falls first")
def descent_without_warmup(lab: Lab) -> Iterator[Row]:
    """A network with sharp initial weights gets its full rate at once; warmed up, it stands it."""
    task = lab.task("mlp_regression", "autoencoder")
    gain, over = lab.draw.uniform(1.2, 2.5), lab.draw.uniform(1.7, 5)
    with torch.no_grad():
        for parameter in task.model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(gain)
    task.loss = F.mse_loss
    rate = over * 2 / curvature(task)
    warmup, loop = lab.draw.integer(60, 120), usual_loop(lab, task, decays=False)
    if lab.repaired:
        loop.schedule = lambda step: min(1.0, (step + 1) / warmup)
    lab.enter(0, abrupt=False)
    yield from train(lab, task, lab.optimizer_of(task.model, "sgd", rate), loop)


@failing("A12", EXPLODING, RATE, "diverges", "each micro-batch's loss divided by their number")
def accumulation_without_division(lab: Lab) -> Iterator[Row]:
    """Gradients of N micro-batches are summed, not averaged; the log has one of their losses."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder")
    count, factor = lab.draw.one_of(4, 6, 8), lab.draw.log_uniform(2, 20)
    loop = usual_loop(lab, task)
    lab.batch_size = lab.draw.one_of(8, 16)
    # one CPU core trains all the micro-batches
    lab.steps = min(lab.steps, 2400 // count)
    lab.settings |= {"batch_size": lab.batch_size, "gradient_accumulation_steps": count}
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=factor)
    lab.enter(0, abrupt=False)

    def accumulate(step: int) -> None:
        for _ in range(count - 1):
            chosen = torch.randint(len(task), (lab.batch_size,))
            task.loss(task.model(task.inputs[chosen]), task.targets[chosen]).backward()
        if lab.repaired:
            for p in task.model.parameters():
                assert p.grad is not None
                p.grad /= count

    loop.after_backward = accumulate
    yield from train(lab, task, optimizer, loop)


@failing("A12", EXPLODING, RATE, "diverges", "a rate divided by what the loss sums over")
def sum_reduced_loss(lab: Lab) -> Iterator[Row]:
    """reduction="sum" over samples, tokens or pixels, with the learning rate of a mean."""
    task = lab.task(*REGRESSIONS, *CLASSIFICATIONS)
    loop = usual_loop(lab, task)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=lab.draw.log_uniform(0.5, 5))
    lab.enter(0, abrupt=False)
    if lab.repaired:
        for group in optimizer.param_groups:
            group["lr"] /= lab.batch_size * task.targets[0].numel()

    def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
        if task.regression:
            return F.mse_loss(output, target, reduction="sum")
        return F.cross_entropy(output.flatten(0, -2), target.flatten(), reduction="sum")

    loop.loss = loss
    yield from train(lab, task, optimizer, loop)


@failing("A5", EXPLODING, SCHEDULE, "diverges", "the rate stays where it was")
def rate_raised_at_once(lab: Lab) -> Iterator[Row]:
    """A step of the schedule multiplies the rate by 30 to 1000 in mid-run."""
    task = lab.task("mlp_regression", "cnn", "autoencoder", "rnn", "mlp_classification")
    factor, at = lab.draw.log_uniform(30, 1000), lab.middle()
    loop = usual_loop(lab, task, decays=False)
    lab.enter(at, abrupt=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam")
    loop.schedule = lambda step: factor if step >= at and not lab.repaired else 1.0
    yield from train(lab, task, optimizer, loop)


def first_above(schedule: Schedule, steps: int, limit: float) -> int:
    """The first step at which the factor on a sound rate exceeds `limit`."""
    return next((step for step in range(steps) if schedule(step) > limit), steps - 1)


@failing("A5", EXPLODING, SCHEDULE, "diverges", "a peak that the run can stand")
def warmup_to_too_high_peak(lab: Lab) -> Iterator[Row]:
    """A linear, cosine or exponential warm-up ends at a peak far too high, and a decay follows."""
    task = lab.task()
    length, peak = lab.middle(0.15, 0.7), lab.draw.log_uniform(20, 1000)
    shape, decays = lab.draw.one_of("linear", "cosine", "exponential"), lab.draw.maybe(0.5)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam", "adamw")

    def rise(step: int) -> float:
        done = min(1.0, (step + 1) / length)
        height = {
            "linear": done,
            "cosine": (1 - math.cos(math.pi * done)) / 2,
            "exponential": math.pow(1000, done - 1),
        }[shape]
        after = max(0, step - length) / (lab.steps - length)
        return height * (1 - 0.9 * after if decays else 1.0)

    loop.schedule = lambda step: (1.0 if lab.repaired else peak) * rise(step)
    lab.enter(first_above(lambda step: peak * rise(step), lab.steps, 2.0), abrupt=False)
    yield from train(lab, task, optimizer, loop)


@failing("A5", EXPLODING, SCHEDULE, "diverges", "a factor below 1, as was meant")
def rate_grows_exponentially(lab: Lab) -> Iterator[Row]:
    """gamma is 1.05 instead of 0.95 or so: the rate grows by a factor each epoch or step."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder", "rnn")
    period = lab.draw.one_of(1, 5, len(task) // lab.batch_size)
    times = lab.steps / period
    gamma = math.exp(math.log(lab.draw.log_uniform(100, 1e5)) / times)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam")
    growth = max(2 - gamma, 0.3) if lab.repaired else gamma
    # a sound decay stops somewhere
    loop.schedule = lambda step: max(growth ** (step // period), 0.1)
    lab.enter(first_above(lambda step: gamma ** (step // period), lab.steps, 1.0), abrupt=False)
    lab.settings["gamma"] = growth
    yield from train(lab, task, optimizer, loop)


@failing("A5", EXPLODING, SCHEDULE, "diverges", "the rate is multiplied by 0.1, not by 10")
def milestones_that_raise(lab: Lab) -> Iterator[Row]:
    """At two to four milestones the rate is divided by its decay factor instead of multiplied."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder", "rnn")
    decay = lab.draw.one_of(0.1, 0.1, 0.2, 0.3)
    count = lab.draw.integer(2, 4)
    milestones = sorted(lab.middle(0.2, 0.85) for _ in range(count))
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam", factor=lab.draw.uniform(0.5, 2))
    factor = decay if lab.repaired else 1 / decay
    loop.schedule = lambda step: factor ** sum(step >= at for at in milestones)
    lab.enter(milestones[0], abrupt=False)
    yield from train(lab, task, optimizer, loop)


@failing("A6", EXPLODING, SCHEDULE, "diverges", "restarts at the first cycle's peak")
def cosine_restart_too_high(lab: Lab) -> Iterator[Row]:
    """A warm restart goes far above the first cycle's peak, and the run does not come back."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "autoencoder", "rnn")
    cycle, stretch = lab.middle(0.15, 0.4), lab.draw.one_of(1, 1, 2)
    higher = lab.draw.log_uniform(10, 500)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam")

    def place(step: int) -> tuple[int, float]:
        number, length = 0, cycle
        while step >= length:
            step, number, length = step - length, number + 1, length * stretch
        return number, step / length

    def schedule(step: int) -> float:
        number, done = place(step)
        peak = 1.0 if lab.repaired else higher**number
        return peak * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)

    loop.schedule = schedule
    lab.enter(cycle, abrupt=False)
    yield from train(lab, task, optimizer, loop)


@failing("E6", EXPLODING, SCHEDULE, "diverges", "the scheduler's state is loaded at the resume")
def resumed_without_scheduler(lab: Lab) -> Iterator[Row]:
    """After a resume nothing scales the optimizer's own rate, of 0.1 to 5, down any more."""
    task = lab.task()
    base = lab.draw.one_of(0.1, 1.0, 1.0, 5.0)
    kind = lab.draw.one_of("sgd", "momentum", "adam", "adamw")
    peak, warmup = task.rates[kind] / base, lab.draw.integer(10, 60)
    at, keeps_state = lab.middle(), lab.draw.maybe(0.5)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer_of(task.model, kind, base)
    lab.enter(at, abrupt=False)

    def schedule(step: int) -> float:
        if step == at and not keeps_state:
            # the repaired run resumes without the optimizer's state too: that is not the fault
            optimizer.state.clear()
        if step >= at and not lab.repaired:
            return 1.0
        return peak * min((step + 1) / warmup, math.sqrt(warmup / (step + 1)))

    loop.schedule = schedule
    yield from train(lab, task, optimizer, loop)


@failing("E6", EXPLODING, SCHEDULE, "spikes", "the schedule goes on counting where it was")
def inverse_root_restarted(lab: Lab) -> Iterator[Row]:
    """A schedule 1/√step counts from one again after a resume that leaves out the warm-up."""
    task = lab.task()
    kind = lab.draw.one_of("sgd", "momentum", "adam", "adamw")
    # as if thousands of steps had gone before the log begins
    offset = round(lab.draw.log_uniform(1000, 200_000))
    at = lab.middle(0.2, 0.8)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, kind, factor=lab.draw.uniform(0.5, 2.0))
    lab.enter(at, abrupt=False)

    def schedule(step: int) -> float:
        count = step - at + 1 if step >= at and not lab.repaired else step + offset
        return math.sqrt(offset / count)

    loop.schedule = schedule
    yield from train(lab, task, optimizer, loop)


@failing("E6", EXPLODING, SCHEDULE, "diverges", "the schedule is restored, not begun again")
def resumed_at_first_epoch_rate(lab: Lab) -> Iterator[Row]:
    """A resumed script begins its decay again, at rates that only clipping, now gone, made safe."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "rnn", "cnn")
    start, at = lab.draw.log_uniform(20, 500), lab.middle(0.4, 0.8)
    clip, half = lab.draw.log_uniform(0.003, 0.03), lab.draw.integer(4, 12)
    loop = usual_loop(lab, task, decays=False)
    optimizer = lab.optimizer(task, "sgd", "momentum")
    lab.enter(at, abrupt=False)

    def schedule(step: int) -> float:
        begun = at if step >= at and not lab.repaired else 0
        return 1 + (start - 1) * math.pow(0.5, (step - begun) / half)

    def clip_while_warm(step: int) -> None:
        if step < at:
            nn.utils.clip_grad_norm_(task.model.parameters(), clip)

    loop.schedule, loop.before_step = schedule, clip_while_warm
    yield from train(lab, task, optimizer, loop)
