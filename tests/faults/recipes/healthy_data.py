"""Healthy runs whose data, batches or scale of the loss make them look odd."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults import tasks
from tests.faults.lab import Lab
from tests.faults.recipe import Row, healthy
from tests.faults.recipes.healthy_optimisation import (
    calm,
    cosine,
    descend,
    habits,
    noisy_task,
    sound,
)
from tests.faults.tasks import Task
from tests.faults.training import Loop, train


def _batch_size(lab: Lab, *sizes: int) -> None:
    lab.batch_size = lab.draw.one_of(*sizes)
    lab.settings["batch_size"] = lab.batch_size


@healthy("the validation loss rises while the training loss falls")
@calm
def overfitting(lab: Lab) -> Iterator[Row]:
    """Few noisy samples and a wide model: it memorises them, and validation suffers."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    kept = lab.draw.one_of(96, 160, 256)
    unseen = task.inputs[kept : kept + 256], task.targets[kept : kept + 256]
    task.inputs, task.targets = task.inputs[:kept], task.targets[:kept]
    width, inputs = lab.draw.one_of(64, 128), task.inputs.shape[1]
    outputs = task.classes or 1
    task.model = nn.Sequential(
        nn.Linear(inputs, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, outputs),
    )

    def validate() -> float:
        with torch.no_grad():
            return float(task.loss(task.model(unseen[0]), unseen[1]))

    optimizer = lab.optimizer(task, "adam", "adamw", "momentum")
    loop = Loop(validate_every=lab.draw.one_of(5, 10, 20), validate=validate)
    yield from train(lab, task, optimizer, loop)


@healthy("the loss levels off far above 0")
@calm
def label_noise_floor(lab: Lab) -> Iterator[Row]:
    """A third to a half of the labels are random: the loss cannot go below their entropy."""
    task = lab.task("mlp_classification", "cnn")
    wrong = torch.rand(len(task)) < lab.draw.uniform(0.3, 0.5)
    task.targets = torch.where(wrong, torch.randint(task.classes, (len(task),)), task.targets)
    yield from train(lab, task, lab.optimizer(task), habits(lab))


@healthy("the loss is level from the first row to the last", learns=False)
@calm
def converged_before_the_log(lab: Lab) -> Iterator[Row]:
    """Fine-tuning of a model that was trained before the log starts: nothing is left to learn."""
    task = noisy_task(lab)
    steps, kind = lab.steps, lab.draw.one_of("momentum", "adam", "adamw")
    schedule = cosine(600, 0.02)
    for _ in train(lab, task, lab.optimizer(task, kind), Loop(steps=600, schedule=schedule)):
        pass
    lab.steps = min(steps, 400)
    optimizer = lab.optimizer(task, kind, factor=lab.draw.log_uniform(0.01, 0.2))
    yield from train(lab, task, optimizer, habits(lab))


@healthy("heavy noise of batches of one to four, the same all along")
@calm
def tiny_batches(lab: Lab) -> Iterator[Row]:
    """A batch size of 1 to 4: every row is noise about a slow trend."""
    task = noisy_task(lab, "mlp_regression", "rnn", "mlp_classification")
    # batch statistics of a single sample do not exist
    while any(isinstance(module, nn.BatchNorm1d) for module in task.model.modules()):
        task = noisy_task(lab, task.name)
    _batch_size(lab, 1, 2, 3, 4)
    lab.steps = max(lab.steps, 300)
    kind = lab.draw.one_of("sgd", "adam", "adamw")
    optimizer = lab.optimizer(task, kind, factor=lab.draw.uniform(0.2, 0.6))
    yield from train(lab, task, optimizer, habits(lab))


@healthy("heavy-tailed but stationary noise of weighted samples")
@calm
def weighted_samples(lab: Lab) -> Iterator[Row]:
    """Samples carry log-normal weights of mean 1, as importance weights do."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    spread = lab.draw.uniform(0.4, 0.8)
    weights = torch.exp(spread * torch.randn(len(task)) - spread**2 / 2)
    chosen = torch.empty(0)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal chosen
        chosen = weights[indices]
        return x, y

    def loss(output: Tensor, targets: Tensor, step: int) -> Tensor:
        if task.classes:
            each = F.cross_entropy(output, targets, reduction="none")
        else:
            each = F.smooth_l1_loss(output, targets, reduction="none")[:, 0]
        return (chosen * each).mean()

    loop = habits(lab)
    loop.batch, loop.loss = batch, loss
    yield from train(lab, task, lab.optimizer(task), loop)


@healthy("the loss steps up at each stage of a curriculum")
@calm
def curriculum(lab: Lab) -> Iterator[Row]:
    """Noisier samples come later: each stage starts with a somewhat higher loss."""
    lab.steps = max(lab.steps, 300)
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "rnn")
    stages = lab.draw.integer(2, 3)
    hardness = lab.draw.uniform(0.15, 0.35)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        stage = step * stages // lab.steps
        return x + hardness * stage * torch.randn_like(x), y

    loop = habits(lab)
    loop.batch = batch
    yield from train(lab, task, lab.optimizer(task, "adam", "adamw", "momentum"), loop)


@healthy("the same rise and fall within each epoch")
@calm
def sorted_epochs(lab: Lab) -> Iterator[Row]:
    """The file is sorted from clean to noisy samples and read in order: a saw-tooth an epoch."""
    lab.shuffle = False
    task = lab.task("mlp_regression", "mlp_classification")
    size = lab.batch_size * lab.draw.integer(8, 25)
    repeats = -(-size // len(task))
    x, y = (
        task.inputs.repeat(repeats, 1)[:size],
        task.targets.repeat(repeats, 1)[:size]
        if task.regression
        else task.targets.repeat(repeats)[:size],
    )
    hardness = torch.linspace(0, 1, size) * lab.draw.uniform(0.4, 0.8)
    if task.regression:
        y = y + 2 * hardness[:, None] * torch.randn_like(y)
    else:
        y = torch.where(torch.rand(size) < 0.1 + hardness, torch.randint(task.classes, (size,)), y)
    task.inputs, task.targets = x, y
    yield from train(lab, task, lab.optimizer(task, factor=lab.draw.uniform(0.5, 1)), habits(lab))


@healthy("the loss falls by steps, one at each start of an epoch")
@calm
def drop_at_each_epoch(lab: Lab) -> Iterator[Row]:
    """A linear model with more features than samples: what was seen once is half known."""
    _batch_size(lab, 4, 8)
    size, features = lab.draw.one_of(320, 640), lab.draw.one_of(1024, 2048)
    x = torch.randn(size, features) / features**0.5
    y = torch.randn(size, 1)
    model = nn.Linear(features, 1, bias=False)
    task = Task("linear", model, x, y, F.mse_loss, {}, True)
    lab.settings["model"] = "linear"
    lab.shuffle = True
    epochs = lab.draw.integer(4, 6)
    lab.steps = epochs * (size // lab.batch_size)
    # of the distance to a sample's target, what one update leaves is 1 - 2 · rate / batch
    rate = lab.draw.uniform(0.1, 0.25) * lab.batch_size
    optimizer = lab.optimizer_of(model, "sgd", rate)
    yield from train(lab, task, optimizer, Loop(clip=lab.draw.one_of(None, 10.0)))


def _sentences(lab: Lab, shortest: int, longest: int) -> tuple[nn.Module, Tensor, Tensor]:
    """A language model, its token ids, and lengths that are log-uniform."""
    vocabulary = lab.draw.one_of(16, 32)
    following = torch.randperm(vocabulary)
    tokens = torch.randint(vocabulary, (640, longest + 1))
    for at in range(1, longest + 1):
        follow = torch.rand(len(tokens)) < 0.75
        tokens[:, at] = torch.where(follow, following[tokens[:, at - 1]], tokens[:, at])
    ratio = longest / shortest
    lengths = (shortest * ratio ** torch.rand(len(tokens))).round().long()
    model = tasks.Transformer(vocabulary, longest, lab.draw.one_of(16, 32), 1)
    lab.settings["model"] = "transformer"
    return model, tokens, lengths


@healthy("a loss that swings by a factor of several with the length of the sequences")
@calm
def token_sum_of_any_length(lab: Lab) -> Iterator[Row]:
    """The loss is summed over tokens, and the batches hold sequences of very different lengths."""
    lab.steps = min(lab.steps, 350)
    _batch_size(lab, 8, 16)
    model, tokens, lengths = _sentences(lab, lab.draw.integer(4, 8), lab.draw.integer(24, 40))
    buckets = lengths.argsort()

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        at = int(torch.randint(len(tokens) - lab.batch_size, ()))
        chosen = buckets[at : at + lab.batch_size]
        longest = int(lengths[chosen].max())
        x, y = tokens[chosen, :longest], tokens[chosen, 1 : longest + 1]
        padding = torch.arange(longest) >= lengths[chosen][:, None]
        logits = model(x).flatten(0, 1)
        loss = F.cross_entropy(
            logits, y.masked_fill(padding, -100).flatten(), reduction="sum", ignore_index=-100
        )
        return loss / lab.batch_size, {"tokens": float((~padding).sum())}

    rate = lab.draw.log_uniform(2e-3, 5e-3)
    optimizer = lab.optimizer_of(model, lab.draw.one_of("adam", "adamw"), rate)
    yield from descend(lab, model, optimizer, objective, Loop(clip=lab.draw.one_of(None, 1.0)))


@healthy("each epoch goes from short to long sequences, and the loss with it")
@calm
def sorted_by_length(lab: Lab) -> Iterator[Row]:
    """Batches in order of length: the per-token loss follows it, and starts anew at each epoch."""
    lab.steps = min(lab.steps, 350)
    _batch_size(lab, 16, 32)
    model, tokens, lengths = _sentences(lab, 2, lab.draw.integer(16, 32))
    order = lengths.argsort(descending=lab.draw.maybe(0.5))
    per_epoch = len(tokens) // lab.batch_size

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        at = step % per_epoch * lab.batch_size
        chosen = order[at : at + lab.batch_size]
        longest = int(lengths[chosen].max())
        x, y = tokens[chosen, :longest], tokens[chosen, 1 : longest + 1]
        return tasks.token_loss(model(x), y), {"sequence_length": float(longest)}

    rate = lab.draw.log_uniform(2e-3, 5e-3)
    optimizer = lab.optimizer_of(model, lab.draw.one_of("adam", "adamw"), rate)
    yield from descend(lab, model, optimizer, objective, Loop(clip=lab.draw.one_of(None, 1.0)))


@healthy("an epoch of three steps: the same few batches over and over")
@calm
def three_steps_an_epoch(lab: Lab) -> Iterator[Row]:
    """A data set of two to four batches."""
    task = noisy_task(lab)
    steps = lab.draw.integer(2, 4)
    kept = lab.batch_size * steps
    task.inputs, task.targets = task.inputs[:kept], task.targets[:kept]
    lab.steps = min(lab.steps, 250)
    optimizer = lab.optimizer(task, factor=lab.draw.uniform(0.3, 1))
    yield from train(lab, task, optimizer, habits(lab))


@healthy("noise of batch statistics over a handful of samples")
@calm
def batch_norm_over_few(lab: Lab) -> Iterator[Row]:
    """Batch normalisation over 4 to 8 samples: the noise of the statistics is in every row."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    _batch_size(lab, 4, 6, 8)
    width, inputs = lab.draw.one_of(16, 32, 64), task.inputs.shape[1]
    layers: list[nn.Module] = []
    for _ in range(lab.draw.integer(1, 3)):
        layers += [nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU()]
        inputs = width
    task.model = nn.Sequential(*layers, nn.Linear(width, task.classes or 1))
    yield from train(lab, task, lab.optimizer(task, factor=lab.draw.uniform(0.3, 1)), habits(lab))


@healthy("the loss is exactly 0 wherever a batch has no target")
@sound
def empty_batches_handled(lab: Lab) -> Iterator[Row]:
    """Batches without a single valid target give a loss of 0 and no gradient, as they should."""
    task = noisy_task(lab, "mlp_classification", "cnn", "mlp_regression")
    empty, missing = lab.draw.log_uniform(0.02, 0.3), lab.draw.uniform(0.0, 0.5)
    valid = torch.empty(0)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal valid
        valid = (torch.rand(len(x)) >= missing).float() * float(torch.rand(()) >= empty)
        return x, y

    def loss(output: Tensor, targets: Tensor, step: int) -> Tensor:
        if task.classes:
            each = F.cross_entropy(output, targets, reduction="none")
        else:
            each = F.mse_loss(output, targets, reduction="none")[:, 0]
        return (each * valid).sum() / valid.sum().clamp(min=1)

    loop = habits(lab)
    loop.batch, loop.loss = batch, loss
    loop.extra = lambda step: {"valid_targets": float(valid.sum())}
    yield from train(lab, task, lab.optimizer(task), loop)


@healthy("a loss of 10⁹ and gradients of 10⁵, at a rate that suits them")
@calm
def raw_prices(lab: Lab) -> Iterator[Row]:
    """Prices in their own unit: mean square or absolute error, inputs standardised."""
    features, unit = lab.draw.integer(4, 12), lab.draw.log_uniform(1e3, 3e5)
    x = torch.randn(1024, features)
    y = 1.5 + x @ torch.randn(features, 1) / features**0.5 + 0.3 * torch.randn(len(x), 1)
    task = Task("linear", nn.Linear(features, 1), x, unit * y, F.mse_loss, {}, True)
    lab.settings["model"] = "linear"
    if lab.draw.maybe(0.5):
        # least squares: the rate has no unit, since the weights carry it
        optimizer = lab.optimizer_of(task.model, "sgd", lab.draw.log_uniform(5e-3, 5e-2))
    else:
        # Adam moves each weight by the rate, so it has the unit of the price
        task.loss = lab.draw.one_of(F.l1_loss, F.mse_loss)
        optimizer = lab.optimizer_of(task.model, "adam", unit * lab.draw.log_uniform(0.01, 0.04))
    yield from train(lab, task, optimizer, Loop(schedule=lab.draw.one_of(None, cosine(lab.steps))))


@healthy("a loss in the thousands: a sum over pixels and samples")
@calm
def sum_over_pixels(lab: Lab) -> Iterator[Row]:
    """An autoencoder whose reconstruction error is summed, by pixel and perhaps by sample."""
    pixels, code = lab.draw.one_of(64, 144, 256), lab.draw.integer(3, 8)
    x = torch.sigmoid(2 * torch.randn(800, code) @ torch.randn(code, pixels))
    x = torch.bernoulli(x) if lab.draw.maybe(0.5) else x
    width = lab.draw.one_of(32, 64)
    model = nn.Sequential(
        nn.Linear(pixels, width),
        nn.ReLU(),
        nn.Linear(width, code),
        nn.Linear(code, width),
        nn.ReLU(),
        nn.Linear(width, pixels),
    )
    share = lab.draw.one_of(1.0, float(lab.batch_size))

    def loss(output: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(output, targets, reduction="sum") / share

    task = Task("autoencoder", model, x, x, loss, {"adam": 1e-3, "adamw": 2e-3}, True)
    lab.settings["model"] = "autoencoder"
    yield from train(lab, task, lab.optimizer(task, "adam", "adamw"), Loop())


@healthy("training noise and a training loss above validation, both of dropout")
@calm
def heavy_dropout(lab: Lab) -> Iterator[Row]:
    """Dropout of a third to a half at inputs and between layers."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    share, width = lab.draw.uniform(0.2, 0.5), lab.draw.one_of(32, 64, 128)
    task.model = nn.Sequential(
        nn.Dropout(share / 2),
        nn.Linear(task.inputs.shape[1], width),
        nn.ReLU(),
        nn.Dropout(share),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Dropout(share),
        nn.Linear(width, task.classes or 1),
    )
    loop = habits(lab)
    loop.validate_every = lab.draw.one_of(10, 25, 50)
    yield from train(lab, task, lab.optimizer(task), loop)


@healthy("the loss drops at once in the last part")
@calm
def augmentation_switched_off(lab: Lab) -> Iterator[Row]:
    """Strong augmentation up to the last part of the run, then clean samples (close-mosaic)."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification", "cnn")
    at, strength = lab.middle(0.6, 0.9), lab.draw.uniform(0.5, 1.2)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        noise = strength * torch.randn_like(x)
        return (x + noise if step < at else x), y

    loop = habits(lab)
    loop.batch = batch
    yield from train(lab, task, lab.optimizer(task, "adam", "adamw", "momentum"), loop)


@healthy("the noise shrinks by steps: the batch grows")
@calm
def growing_batches(lab: Lab) -> Iterator[Row]:
    """The batch is multiplied by 4 once or twice instead of dividing the rate."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    first, stages = lab.draw.one_of(4, 8), lab.draw.integer(2, 3)
    lab.settings["batch_size"] = first

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        size = first * 4 ** (step * stages // lab.steps)
        chosen = torch.randint(len(task), (size,))
        loss = task.loss(task.model(task.inputs[chosen]), task.targets[chosen])
        return loss, {"batch_size": float(size)}

    optimizer = lab.optimizer(task, factor=lab.draw.uniform(0.5, 1))
    yield from descend(lab, task.model, optimizer, objective, Loop(clip=lab.draw.one_of(None, 5.0)))


@healthy("the loss jumps between two levels, batch by batch")
@calm
def two_sources_by_turns(lab: Lab) -> Iterator[Row]:
    """Batches come from an easy or from a noisy source: a loss of two levels, mixed."""
    task = noisy_task(lab, "mlp_regression", "mlp_classification")
    share, factor = lab.draw.uniform(0.25, 0.6), lab.draw.uniform(0.6, 1.2)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        noisy = torch.rand(()) < share
        noise = factor * torch.randn_like(x)
        return (x + noise if noisy else x), y

    loop = habits(lab)
    loop.batch = batch
    yield from train(lab, task, lab.optimizer(task), loop)


@healthy("a loss near 0 that wavers with the count of rare positives in the batch")
@calm
def rare_positives(lab: Lab) -> Iterator[Row]:
    """Binary detection with a few per cent of positives, which dominate the loss."""
    features, share = lab.draw.integer(6, 16), lab.draw.uniform(0.06, 0.12)
    x = torch.randn(4096, features)
    score = x @ torch.randn(features) / features**0.5 + 0.5 * torch.randn(len(x))
    y = (score > score.quantile(1 - share)).float()[:, None]
    _batch_size(lab, 64, 128)
    model = tasks.mlp(lab.draw, features, 1)
    loss = F.binary_cross_entropy_with_logits
    task = Task("detector", model, x, y, loss, tasks.SGD_AND_ADAM, True)
    lab.settings["model"] = "detector"
    yield from train(lab, task, lab.optimizer(task, "momentum", "adam", "adamw"), habits(lab))


@healthy("the loss swings slowly with the seasons of a stream", learns=False)
@calm
def drifting_stream(lab: Lab) -> Iterator[Row]:
    """Online learning of a relation that turns slowly: the loss follows how fast it turns."""
    features, noise = lab.draw.integer(4, 10), lab.draw.uniform(0.2, 0.5)
    first, second = torch.randn(2, features, 1) / features**0.5
    period = lab.draw.uniform(80, 300)
    model = tasks.mlp(lab.draw, features, 1)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        x = torch.randn(lab.batch_size, features)
        turn = torch.tensor(6.283 * step / period)
        y = x @ (first * turn.cos() + second * turn.sin()) + noise * torch.randn(len(x), 1)
        return F.mse_loss(model(x), y), {}

    kind = lab.draw.one_of("sgd", "adam", "momentum")
    optimizer = lab.optimizer_of(model, kind, tasks.SGD_AND_ADAM[kind])
    yield from descend(lab, model, optimizer, objective, Loop(clip=lab.draw.one_of(None, 5.0)))


@healthy("the loss begins far up and falls by orders of magnitude in a few steps")
@calm
def far_from_the_mean(lab: Lab) -> Iterator[Row]:
    """Targets with a large mean: the first steps fit the bias, with a huge loss and gradient."""
    task = noisy_task(lab, "mlp_regression", "rnn")
    task.loss = F.mse_loss
    task.targets = task.targets + lab.draw.log_uniform(3, 30)
    kind = lab.draw.one_of("sgd", "momentum", "adam")
    factor = {"sgd": 0.3, "momentum": 0.3, "adam": 5.0}[kind]
    optimizer = lab.optimizer(task, kind, factor=factor)
    yield from train(lab, task, optimizer, Loop(clip=lab.draw.one_of(None, 10.0)))
