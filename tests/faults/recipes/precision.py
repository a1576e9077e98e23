"""D1 to D5: half precision that overflows, underflows, or cannot hold an optimizer's numbers."""

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
from tests.faults.tasks import Task, mlp
from tests.faults.training import Loop, train

UNSTABLE = "unstable_loss"
LARGEST, SMALLEST = 65504.0, 2.0**-24
"""The largest half-precision number, and the smallest above zero."""


class FlooredScaler(torch.amp.GradScaler):
    """A dynamic loss scale that never falls below a floor, as DeepSpeed's and fairseq's."""

    def __init__(self, start: float, floor: float) -> None:
        super().__init__("cpu", init_scale=start)
        self.floor = floor

    def update(self, new_scale: float | Tensor | None = None) -> None:
        super().update(new_scale)
        if self.get_scale() < self.floor:
            super().update(self.floor)


class ScaledLinear(nn.Module):
    """A linear layer with a constant gain at run time, as with an equalised learning rate."""

    def __init__(self, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias)
        self.gain = 1.0

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.gain * self.linear(x)
        return out


def _sizes(task: Task) -> tuple[int, int]:
    return task.inputs.shape[-1], task.classes or task.targets.shape[-1]


def _task(lab: Lab, *names: str) -> Task:
    """One of the tasks; float16 convolutions are slow on a CPU, so they get fewer steps."""
    task = lab.task(*names)
    if task.name == "cnn":
        lab.steps = min(lab.steps, 220)
    return task


def _breaking(lab: Lab, rows: Iterator[Row], loss_only: bool = True) -> Iterator[Row]:
    """The fault enters where the first number overflows; only the run itself shows when."""
    last = 0
    for row in rows:
        last = row.step
        seen = [row.loss] if loss_only else [row.loss, row.grad_norm]
        if not all(math.isfinite(value) for value in seen if value is not None):
            lab.enter(row.step)
        yield row
    # a run that never overflows is no case of this; the check of the build says so
    lab.enter(last)


def _autocast(lab: Lab) -> Loop:
    """Autocast to float16, mostly with a scaler; float32 when repaired."""
    scaled, start = lab.draw.maybe(0.8), 2.0 ** lab.draw.integer(6, 12)
    norm = lab.draw.one_of(None, None, 1.0, 5.0)
    lab.settings["precision"] = "32" if lab.repaired else "16-mixed"
    return Loop(
        precision=None if lab.repaired else torch.float16,
        scaler=torch.amp.GradScaler("cpu", init_scale=start) if scaled else None,
        clip=norm,
    )


def _largest(model: nn.Module, probed: nn.Module, inputs: Tensor) -> float:
    """The largest magnitude among a module's outputs, over a set of inputs."""
    seen: list[float] = []
    handle = probed.register_forward_hook(lambda _m, _i, out: seen.append(float(out.abs().max())))
    model.eval()
    with torch.no_grad():
        model(inputs)
    handle.remove()
    model.train()
    return seen[-1]


class SquaredReLU(nn.Module):
    """relu(x)^2, as in Primer and its followers."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x).square()


class FeedForward(nn.Module):
    """Feed-forward blocks with a normalisation behind: their inner scale does not matter."""

    def __init__(self, sizes: tuple[int, int], width: int, blocks: int, act: nn.Module) -> None:
        super().__init__()
        inputs, outputs = sizes
        self.embed = nn.Linear(inputs, width)
        self.up = nn.ModuleList(ScaledLinear(width, 2 * width) for _ in range(blocks))
        self.act = act
        self.down = nn.ModuleList(nn.Linear(2 * width, width) for _ in range(blocks))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(blocks))
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for up, down, norm in zip(self.up, self.down, self.norms, strict=True):
            fed = down(self.act(up(x)))
            # the statistics in float32, as autocast does on an accelerator
            x = x + norm(fed.float())
        out: Tensor = self.head(x)
        return out


@failing("D1", UNSTABLE, "half_precision_overflow", "nonfinite", "the forward pass in float32")
def activations_beyond_half_precision(lab: Lab) -> Iterator[Row]:
    """The activations of a feed-forward layer grow with its weights until float16 ends."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder")
    squared = lab.draw.maybe(0.6)
    act = SquaredReLU() if squared else lab.draw.one_of(nn.ReLU, nn.GELU, nn.SiLU)()
    model = FeedForward(_sizes(task), lab.draw.one_of(16, 32), lab.draw.integer(1, 3), act)
    task.model, fraction = model, lab.draw.uniform(0.25, 0.95)
    last = model.up[-1]
    assert isinstance(last, ScaledLinear)
    # what overflows is the square, or the activation itself
    limit = (fraction * LARGEST) ** (0.5 if squared else 1.0)
    last.gain = limit / _largest(model, last, task.inputs)
    factor = lab.draw.log_uniform(0.5, 3)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum", factor=factor)
    yield from _breaking(lab, train(lab, task, optimizer, _autocast(lab)))


class Attention(nn.Module):
    """One head whose logits are scaled down after the product, not before."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.query = ScaledLinear(width, width, bias=False)
        self.key = ScaledLinear(width, width, bias=False)
        self.value, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.product = nn.Identity()
        self.factor = 1.0

    def forward(self, x: Tensor) -> Tensor:
        time = x.shape[1]
        scores = self.product(self.query(x) @ self.key(x).transpose(1, 2))
        later = torch.ones(time, time, dtype=torch.bool).triu(1)
        weights = (scores.float() * self.factor).masked_fill(later, -math.inf).softmax(-1)
        out: Tensor = self.out(weights @ self.value(x))
        return out


class AttentionModel(nn.Module):
    """An attention layer over tokens or time steps; an output per position or for the last."""

    def __init__(self, embed: nn.Module, width: int, outputs: int, every: bool) -> None:
        super().__init__()
        self.embed, self.every = embed, every
        self.norm, self.attention = nn.LayerNorm(width), Attention(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x).float()
        x = x + self.attention(self.norm(x)).float()
        out: Tensor = self.head(x if self.every else x[:, -1])
        return out


@failing("D1", UNSTABLE, "half_precision_overflow", "nonfinite", "the forward pass in float32")
def attention_logits_beyond_half_precision(lab: Lab) -> Iterator[Row]:
    """The products of queries and keys pass 65504 in float16 before they are scaled down."""
    task = lab.task("transformer", "transformer", "rnn")
    width, tokens = lab.draw.one_of(16, 24, 32), task.classes > 0
    embed = nn.Embedding(task.classes, width) if tokens else nn.Linear(2, width)
    model = AttentionModel(embed, width, task.classes or 1, tokens)
    task.model, fraction = model, lab.draw.uniform(0.3, 0.95)
    attention = model.attention
    largest = _largest(model, attention.product, task.inputs)
    gain = (fraction * LARGEST / largest) ** 0.5
    attention.query.gain = attention.key.gain = gain
    attention.factor = lab.draw.log_uniform(1, 5) / (gain**2 * largest)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=lab.draw.log_uniform(0.5, 4))
    yield from _breaking(lab, train(lab, task, optimizer, _autocast(lab)))


class Prototypes(nn.Module):
    """Logits from squared distances to a learned prototype per class: a^2 + b^2 - 2ab."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.embed = ScaledLinear(width, width)
        self.prototypes = nn.Parameter(torch.randn(classes, width) / width**0.5)
        self.lengths = nn.Identity()
        self.factor = 1.0

    def forward(self, x: Tensor) -> Tensor:
        a = self.embed(x)
        b = (self.embed.gain * self.prototypes).to(a.dtype)
        squares = self.lengths((a * a).sum(-1, keepdim=True)) + (b * b).sum(-1)
        out: Tensor = -self.factor * (squares - 2 * a @ b.t()).float()
        return out


@failing("D1", UNSTABLE, "half_precision_overflow", "nonfinite", "the forward pass in float32")
def distances_beyond_half_precision(lab: Lab) -> Iterator[Row]:
    """Squared lengths summed over the features of an embedding pass 65504 as it spreads out."""
    task = _task(lab, "mlp_classification", "mlp_classification", "cnn")
    width, act = lab.draw.one_of(16, 32, 64), lab.draw.one_of(nn.ReLU, nn.GELU, nn.Tanh)
    layers: list[nn.Module] = [nn.Flatten(), nn.Linear(task.inputs[0].numel(), width), act()]
    for _ in range(lab.draw.integer(0, 2)):
        layers += [nn.Linear(width, width), act()]
    head = Prototypes(width, task.classes)
    task.model, fraction = nn.Sequential(*layers, head), lab.draw.uniform(0.05, 0.8)
    largest = _largest(task.model, head.lengths, task.inputs)
    head.embed.gain = (fraction * LARGEST / largest) ** 0.5
    head.factor = lab.draw.log_uniform(2, 20) / (fraction * LARGEST)
    with torch.no_grad():
        # as long as a middling embedding
        head.prototypes.mul_(0.5 * largest**0.5)
    factor = lab.draw.log_uniform(0.4, 2)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum", factor=factor)
    yield from _breaking(lab, train(lab, task, optimizer, _autocast(lab)))


@failing("D1", UNSTABLE, "half_precision_overflow", "nonfinite", "the sum in float32")
def loss_summed_in_half_precision(lab: Lab) -> Iterator[Row]:
    """Squared errors are summed over all pixels in float16, and the images get larger in time."""
    draw = lab.draw
    images, coarse = 480, draw.one_of(6, 8)
    factor, from_the_start = draw.one_of(2, 3), draw.maybe(0.25)
    at = 0 if from_the_start else lab.middle(0.1, 0.7)
    size = coarse * factor
    plain = F.interpolate(torch.randn(images, 1, 4, 4), (size, size), mode="bilinear")
    noisy = plain + draw.uniform(0.2, 0.6) * torch.randn(images, 1, size, size)
    channels = draw.one_of(4, 8)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), nn.SiLU(), nn.Conv2d(channels, 1, 3, padding=1)
    )
    # so bright that the sum fits at the coarse size (at first), and not at the fine one
    terms = lab.batch_size * size * size
    bright = (draw.uniform(1.1, 6) * LARGEST / terms) ** 0.5
    target = bright * (noisy if draw.maybe(0.5) else plain)
    normalised = draw.maybe(0.5)

    def batch(step: int, x: Tensor, y: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        fine = step >= at
        return (x, y) if fine else (x[..., ::factor, ::factor], y[..., ::factor, ::factor])

    def loss(out: Tensor, y: Tensor, _: int) -> Tensor:
        error = (bright * out) - y
        total = error.square().sum() if lab.repaired else error.half().square().sum().float()
        mean: Tensor = total / len(y) / (y.shape[-1] ** 2 if normalised else 1)
        return mean

    rates = {"adam": 2e-3, "adamw": 2e-3}
    task = Task("denoiser", model, noisy, target, F.mse_loss, rates, True)
    lab.settings["model"] = "denoiser"
    optimizer = lab.optimizer(task, "adam", "adamw", factor=draw.log_uniform(0.1, 1))
    yield from _breaking(lab, train(lab, task, optimizer, Loop(batch=batch, loss=loss)))


def _gradient_maximum(task: Task, loss: Callable[[Tensor, Tensor], Tensor], size: int) -> float:
    """The largest element of the weights' gradient of one batch, in float32."""
    task.model.zero_grad(set_to_none=True)
    loss(task.model(task.inputs[:size]), task.targets[:size]).backward()
    found = [float(p.grad.abs().max()) for p in task.model.parameters() if p.grad is not None]
    task.model.zero_grad(set_to_none=True)
    return max(found)


def _per_unit(rows: Iterator[Row], weight: float) -> Iterator[Row]:
    """Rows whose loss is logged without its weight, as many trainers do."""
    for row in rows:
        yield row if row.loss is None else replace(row, loss=row.loss / weight)


def _stopping(rows: Iterator[Row], at_floor: float | None, patience: int) -> Iterator[Row]:
    """End the run when the scale has been at its floor for a while, as fairseq does."""
    stuck = 0
    for row in rows:
        yield row
        bad = row.grad_norm is not None and not math.isfinite(row.grad_norm)
        stuck = stuck + 1 if at_floor and bad and row.scale == at_floor else 0
        if stuck > patience:
            return


def _half(lab: Lab) -> torch.dtype | None:
    lab.settings["precision"] = "32" if lab.repaired else "fp16"
    return None if lab.repaired else torch.float16


DENSE = ("mlp_regression", "mlp_classification", "autoencoder", "transformer", "cnn")


@failing("D3", UNSTABLE, "loss_scale_collapse", "nonfinite", "the backward pass in float32")
def summed_loss_beyond_any_scale(lab: Lab) -> Iterator[Row]:
    """A loss summed over all tokens, and weighted, has gradients too large for float16."""
    task = _task(lab, *DENSE)
    plain = task.loss

    def summed(out: Tensor, y: Tensor) -> Tensor:
        return y.numel() * plain(out, y)

    start, floor = 2.0 ** lab.draw.integer(7, 16), lab.draw.one_of(1.0, 1.0, 0.25, 1e-4)
    excess = lab.draw.log_uniform(3, 300)
    weight = excess * LARGEST / _gradient_maximum(task, summed, lab.batch_size)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=lab.draw.log_uniform(0.3, 1.5))
    per_token, stops, patience = lab.draw.maybe(0.5), lab.draw.maybe(0.4), lab.draw.integer(0, 20)
    loop = Loop(
        loss=lambda out, y, _: weight * summed(out, y),
        scaler=FlooredScaler(start, floor),
        precision=_half(lab),
    )
    lab.enter(0)
    rows = train(lab, task, optimizer, loop)
    tokens = task.targets[: lab.batch_size].numel()
    rows = _per_unit(rows, weight * tokens if per_token else 1.0)
    yield from _stopping(rows, floor if stops else None, patience)


@failing(
    "D3",
    UNSTABLE,
    "loss_scale_collapse",
    "nonfinite",
    "the backward pass in float32",
    # the loss that carries the weight is large at the end, however well it trains
    learns=False,
)
def loss_weight_raised_in_half_precision(lab: Lab) -> Iterator[Row]:
    """The schedule of a loss's weight takes its gradients beyond float16 in mid-run."""
    task = _task(lab, "mlp_regression", "autoencoder", "mlp_classification", "cnn")
    at, start = lab.middle(0.15, 0.8), 2.0 ** lab.draw.integer(4, 9)
    floor, excess = lab.draw.one_of(1.0, 1.0, 16.0), lab.draw.log_uniform(20, 2000)
    largest = _gradient_maximum(task, task.loss, lab.batch_size)
    weight = excess * LARGEST / (largest * floor)
    unweighted, stops = lab.draw.maybe(0.5), lab.draw.maybe(0.4)
    patience, ramp = lab.draw.integer(0, 20), lab.draw.one_of(0, 0, 40)
    optimizer = lab.optimizer(task, "adam", "adamw")

    def factor(step: int) -> float:
        if step < at:
            return 1.0
        return float(weight ** min(1.0, (step - at + 1) / (ramp + 1)))

    loop = Loop(
        loss=lambda out, y, step: factor(step) * task.loss(out, y),
        scaler=FlooredScaler(start, floor),
        precision=_half(lab),
    )
    entering = _breaking(lab, train(lab, task, optimizer, loop), loss_only=False)
    rows = _stopping(entering, floor if stops else None, patience)
    for row in rows:
        loss = row.loss
        if unweighted and loss is not None:
            yield replace(
                row, loss=loss / factor(row.step), extra={"loss_weight": factor(row.step)}
            )
        else:
            yield row


@failing("D3", UNSTABLE, "loss_scale_collapse", "nonfinite", "the backward pass in float32")
def loss_in_physical_units(lab: Lab) -> Iterator[Row]:
    """The squared error is taken in pascals or dollars: finite, with gradients beyond float16."""
    task = lab.task("mlp_regression", "autoencoder", "rnn")
    unit, start = lab.draw.log_uniform(3e3, 1e6), 2.0 ** lab.draw.integer(6, 16)
    offset, standardised = lab.draw.uniform(-3, 3), lab.draw.maybe(0.4)
    floor = lab.draw.one_of(1.0, 1.0, 1e-4, 2.0**-40)

    def loss(out: Tensor, y: Tensor, _: int) -> Tensor:
        return F.mse_loss(unit * (out + offset), unit * (y + offset))

    optimizer = lab.optimizer(task, "adam", "adamw", factor=lab.draw.log_uniform(0.3, 1.5))
    lab.enter(0)
    loop = Loop(loss=loss, scaler=FlooredScaler(start, floor), precision=_half(lab))
    rows = train(lab, task, optimizer, loop)
    yield from _per_unit(rows, unit**2 if standardised else 1.0)


class StaticScaler(torch.amp.GradScaler):
    """A loss scale that never moves: Apex's static one."""

    def update(self, new_scale: float | Tensor | None = None) -> None:
        scale = self.get_scale()
        super().update()
        super().update(scale)


@failing("D3", UNSTABLE, "loss_scale_collapse", "nonfinite", "the backward pass in float32")
def loss_scale_that_never_falls(lab: Lab) -> Iterator[Row]:
    """A loss scale whose lower limit lies too high: every step overflows and is skipped."""
    task = _task(lab, *DENSE)
    excess, halvings = lab.draw.log_uniform(4, 500), lab.draw.integer(0, 6)
    largest = _gradient_maximum(task, task.loss, lab.batch_size)
    scale = 2.0 ** math.ceil(math.log2(excess * LARGEST / largest))
    optimizer = lab.optimizer(task)
    scaler: torch.amp.GradScaler = FlooredScaler(scale * 2.0**halvings, scale)
    if not halvings:
        scaler = StaticScaler("cpu", init_scale=scale)
    lab.enter(0)
    yield from train(lab, task, optimizer, Loop(scaler=scaler, precision=_half(lab)))


def _output_gradient(task: Task, loss: Callable[[Tensor, Tensor], Tensor], size: int) -> float:
    """The largest gradient at the model's output, of one batch."""
    out = task.model(task.inputs[:size]).detach().requires_grad_()
    loss(out, task.targets[:size]).backward()
    assert out.grad is not None
    return float(out.grad.abs().max())


@failing("D4", UNSTABLE, "half_precision_underflow", "stalls", "a loss scale of 65536")
def small_loss_weight_without_scaler(lab: Lab) -> Iterator[Row]:
    """A small loss weight takes the gradients below what float16 holds, without a scaler."""
    task = _task(lab, *DENSE)
    share = lab.draw.log_uniform(0.1, 0.8)
    weight = share * SMALLEST / _output_gradient(task, task.loss, lab.batch_size)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=lab.draw.log_uniform(0.3, 1.5))
    # no scaler at all, or one that has come down to 1
    logged = lab.draw.maybe(0.5)
    none = torch.amp.GradScaler("cpu", init_scale=1.0) if logged else None
    good = torch.amp.GradScaler("cpu", init_scale=65536.0)
    lab.enter(0, abrupt=False)
    lab.settings |= {"precision": "fp16", "loss_weight": weight}
    loop = Loop(
        loss=lambda out, y, _: weight * task.loss(out, y),
        scaler=good if lab.repaired else none,
        precision=torch.float16,
    )
    yield from _per_unit(train(lab, task, optimizer, loop), weight)


@failing("D4", UNSTABLE, "half_precision_underflow", "stalls", "a loss scale of 65536")
def distillation_averaged_over_classes(lab: Lab) -> Iterator[Row]:
    """A divergence averaged over every class leaves gradients too small for float16."""
    draw = lab.draw
    features, classes = draw.integer(8, 24), draw.one_of(256, 512, 768)
    x = torch.randn(1024, features)
    sharpness = draw.uniform(2, 5)
    teacher = sharpness * x @ torch.randn(features, classes) / features**0.5
    temperature, share = draw.one_of(2.0, 4.0, 8.0), draw.log_uniform(0.003, 0.1)
    model = mlp(draw, features, classes)
    scaled = draw.maybe(0.5)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        student = F.log_softmax(out / temperature, -1)
        return F.kl_div(student, F.softmax(y / temperature, -1), reduction="mean")

    task = Task("distillation", model, x, teacher, loss, {"adam": 3e-3, "adamw": 3e-3}, True)
    optimizer = lab.optimizer(task, "adam", "adamw")
    lab.settings |= {"model": "distillation", "precision": "fp16", "temperature": temperature}
    stuck = torch.amp.GradScaler("cpu", init_scale=draw.one_of(1.0, 1.0, 0.5))
    good = torch.amp.GradScaler("cpu", init_scale=65536.0)
    lab.enter(0, abrupt=False)
    loop = Loop(
        loss=lambda out, y, _: share * loss(out, y),
        scaler=good if lab.repaired else stuck if scaled else None,
        precision=torch.float16,
    )
    # logged in units that an author would look at: summed over the classes
    yield from _per_unit(train(lab, task, optimizer, loop), share / classes)


@failing("D4", UNSTABLE, "half_precision_underflow", "stalls", "gradients divided in float32")
def gradients_predivided_in_half_precision(lab: Lab) -> Iterator[Row]:
    """Gradients are divided for the all-reduce while in float16, where most become zero."""
    task = lab.task(*DENSE, "rnn")
    at = lab.draw.one_of(0, 0, round(lab.draw.uniform(2, 12)))
    largest = _gradient_maximum(task, task.loss, lab.batch_size)
    share = lab.draw.log_uniform(0.15, 1.0)
    divisor = 2.0 ** round(math.log2(largest / (share * SMALLEST)))
    optimizer = lab.optimizer(task)
    lab.settings |= {"precision": "fp16", "gradient_predivide_factor": divisor}

    def reduce(step: int) -> None:
        for parameter in task.model.parameters():
            if parameter.grad is None or step < at:
                continue
            gradient = parameter.grad if lab.repaired else parameter.grad.half()
            parameter.grad = (gradient / divisor).float() * divisor

    lab.enter(at, abrupt=False)
    yield from train(lab, task, optimizer, Loop(after_backward=reduce))


class InHalf(nn.Module):
    """A module with float16 weights between float32 (or integer) inputs and float32 outputs."""

    def __init__(self, inner: nn.Module, really: bool) -> None:
        super().__init__()
        self.inner = inner.half() if really else inner
        self.really = really

    def forward(self, x: Tensor) -> Tensor:
        if self.really and x.is_floating_point():
            x = x.half()
        out: Tensor = self.inner(x)
        return out.float()


HALF_OPTIMIZER = "half_precision_optimizer"


@failing("D5", UNSTABLE, HALF_OPTIMIZER, "nonfinite", "weights in float32")
def adam_on_half_precision_weights(lab: Lab) -> Iterator[Row]:
    """Adam's epsilon of 1e-8 is zero in float16: the first update divides by zero."""
    task = lab.task()
    task.model = InHalf(task.model, not lab.repaired)
    factor, clip = lab.draw.log_uniform(0.03, 2), lab.draw.one_of(None, None, 1.0)
    decay = lab.draw.one_of(0.0, 0.01)
    warm = lab.draw.one_of(0, 0, 10, 50)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=factor, weight_decay=decay)
    lab.settings["precision"] = "32" if lab.repaired else "fp16-true"
    lab.enter(1)
    loop = Loop(clip=clip, schedule=lambda step: min(1.0, (step + 1) / (warm + 1)))
    yield from train(lab, task, optimizer, loop)


@failing("D5", UNSTABLE, HALF_OPTIMIZER, "nonfinite", "weights in float32")
def squared_gradients_vanish_in_half_precision(lab: Lab) -> Iterator[Row]:
    """RMSprop, Adagrad or NAdam keep squared gradients in float16, where small ones are zero."""
    task = lab.task()
    task.model = InHalf(task.model, not lab.repaired)
    kind, factor = lab.draw.one_of("rmsprop", "adagrad", "nadam"), lab.draw.log_uniform(0.1, 1)
    rate = {"rmsprop": 1e-3, "adagrad": 2e-2, "nadam": 2e-3}[kind] * factor
    parameters = task.model.parameters()
    optimizer: torch.optim.Optimizer
    if kind == "rmsprop":
        optimizer = torch.optim.RMSprop(parameters, rate)
    elif kind == "adagrad":
        optimizer = torch.optim.Adagrad(parameters, rate)
    else:
        optimizer = torch.optim.NAdam(parameters, rate)
    lab.settings |= {"optimizer": kind, "learning_rate": rate}
    lab.settings["precision"] = "32" if lab.repaired else "fp16-true"
    lab.enter(1)
    yield from train(lab, task, optimizer, Loop(clip=lab.draw.one_of(None, 1.0)))


@failing("D5", UNSTABLE, HALF_OPTIMIZER, "nonfinite", "the embedding in float32")
def adam_on_a_half_precision_embedding(lab: Lab) -> Iterator[Row]:
    """Only the embedding is in float16: its unseen rows become 0/0, and NaN when seen."""
    draw = lab.draw
    rows, width = draw.one_of(16, 64, 400), draw.one_of(8, 16)
    # ids like words: the rare ones may first come up long after the first step
    odds = 1.0 / torch.arange(1, rows + 1) ** draw.uniform(0.8, 2.0)
    ids = torch.multinomial(odds, 1024 * 4, replacement=True).view(1024, 4)
    values = torch.randn(rows)
    y = values[ids].mean(1, keepdim=True) + 0.1 * torch.randn(1024, 1)
    table = InHalf(nn.EmbeddingBag(rows, width), not lab.repaired)
    model = nn.Sequential(table, mlp(draw, width, 1, draw.integer(1, 2)))
    rates = {"adam": 5e-3, "adamw": 5e-3}
    task = Task("recommender", model, ids, y, F.mse_loss, rates, True)
    lab.settings["model"] = "recommender"
    optimizer = lab.optimizer(task, "adam", "adamw", factor=draw.log_uniform(0.3, 2))
    lab.enter(1)
    yield from train(lab, task, optimizer)


@failing("D5", UNSTABLE, HALF_OPTIMIZER, "nonfinite", "the layer in float32")
def half_precision_layer_unfrozen(lab: Lab) -> Iterator[Row]:
    """A layer frozen in float16 is unfrozen in mid-run, and Adam's first update ruins it."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "cnn")
    at = lab.middle(0.2, 0.85)
    assert isinstance(task.model, nn.Sequential)
    linear = [i for i, layer in enumerate(task.model) if isinstance(layer, nn.Linear)]
    chosen = lab.draw.one_of(*linear)
    layer = InHalf(task.model[chosen], not lab.repaired)
    task.model[chosen] = layer
    optimizer = lab.optimizer(task, "adam", "adamw", factor=lab.draw.log_uniform(0.3, 2))
    everything = lab.draw.maybe(0.3)
    last_frozen = layer.requires_grad_(False)

    def batch(step: int, x: Tensor, y: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        if step == at:
            (task.model if everything else last_frozen).requires_grad_(True)
        return x, y

    lab.enter(at + 1)
    yield from train(lab, task, optimizer, Loop(batch=batch))
