"""B2 to B5, B7 to B9, B12, B13 and B16: targets that the loss cannot digest."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from statistics import NormalDist

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.recipes.bad_data import (
    BAD_DATA,
    Spoil,
    at_steps,
    crashing,
    habits,
    lone_last,
    many_passes,
    of_samples,
    one_pass,
    optimizer_for,
    plain,
    protect,
    refuse_batch_norm,
    returning,
    train_on,
)
from tests.faults.tasks import SGD_AND_ADAM, Task, activation, mlp, token_loss
from tests.faults.training import Batch, Loop, train

REGRESSIONS = ("mlp_regression", "rnn")
LABELLED = ("mlp_classification", "cnn")


def replaced(value: float) -> Spoil:
    """A spoiling that replaces a sample's target."""

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        y[row] = value

    return spoil


def settled(lab: Lab, task: Task) -> Task:
    """Tell the settings what a model of the recipe's own is."""
    lab.settings["model"] = task.name
    return task


# ---- nonfinite_input_or_target


@failing(
    "B2", BAD_DATA, "nonfinite_input_or_target", "nonfinite", "rows without a target are dropped"
)
def missing_target(lab: Lab) -> Iterator[Row]:
    """A row of a large table has no target, which is read as NaN."""
    task = lab.task(*REGRESSIONS)
    one_pass(lab, task)
    samples = [lab.draw.integer(0, len(task) - 1) for _ in range(lab.draw.integer(1, 2))]
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")
    loop.batch = of_samples(lab, task, samples, replaced(math.nan))
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B2", BAD_DATA, "nonfinite_input_or_target", "nonfinite", "refunds are filtered before the log"
)
def logarithm_of_a_refund(lab: Lab) -> Iterator[Row]:
    """Prices are learned on a log scale; refunds, which are negative, give NaN targets."""
    task = lab.task(*REGRESSIONS)
    one_pass(lab, task)
    prices = torch.exp(task.targets * lab.draw.uniform(0.3, 1.0) + lab.draw.uniform(0, 3))
    first = lab.middle(0.1, 0.7)
    refunds = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    share = lab.draw.log_uniform(1e-3, 0.05)
    task.targets = prices.log()
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "skip")

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        refunded = torch.rand(len(x), 1, generator=refunds) < (share if step >= first else 0.0)
        if lab.repaired or not refunded.any():
            return x, y
        lab.enter(step, tuple(indices[refunded[:, 0]].tolist()))
        price = prices[indices]
        return x, torch.where(refunded, -price, price).log()

    loop.batch = batch
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B2",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "empty pixels are left out of the loss",
)
def holes_in_a_depth_map(lab: Lab) -> Iterator[Row]:
    """A dense regression meets a depth map whose holes are NaN; it trains on in half precision."""
    x = torch.randn(640, 1, 8, 8)
    kernel = torch.randn(1, 1, 3, 3) / 3
    y = torch.tanh(F.conv2d(x, kernel, padding=1)) + 0.1 * torch.randn(640, 1, 8, 8)
    channels = lab.draw.one_of(6, 8, 12)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        activation(lab.draw),
        nn.Conv2d(channels, 1, 3, padding=1),
    )
    loss = lab.draw.one_of(F.mse_loss, F.l1_loss, F.smooth_l1_loss)
    task = settled(lab, Task("depth", model, x, y, loss, SGD_AND_ADAM, regression=True))
    lab.steps = min(lab.steps, 400)
    at = {lab.middle(0.1, 0.8) for _ in range(lab.draw.integer(1, 3))}
    hole = lab.draw.integer(1, 8)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "scaler")

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        y[row, 0, :hole, :hole] = math.nan

    loop.batch = at_steps(lab, task, at, spoil)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


# ---- outlier_batch


@failing("B7", BAD_DATA, "outlier_batch", "spikes", "the target has its true value")
def target_outlier(lab: Lab) -> Iterator[Row]:
    """A target is far off: a decimal point slipped, or a code for a missing value."""
    task = lab.task(*REGRESSIONS)
    value = lab.draw.log_uniform(50, 1e6) * lab.draw.one_of(-1, 1)
    value = lab.draw.one_of(value, value, -999.0, -9999.0, 1e5)
    at = lab.middle(0.1, 0.85)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    loop.batch = at_steps(lab, task, {at}, replaced(value))
    yield from plain(lab, train(lab, task, optimizer, loop))


@failing("B7", BAD_DATA, "outlier_batch", "spikes", "weights are limited to 10")
def sample_weight_outlier(lab: Lab) -> Iterator[Row]:
    """Samples are weighted by one over a propensity; of one sample this is next to nothing."""
    task = lab.task("mlp_regression", "mlp_classification")
    propensity = torch.rand(len(task)) * 0.8 + 0.2
    least = lab.draw.log_uniform(1e-6, 1e-3)
    at = lab.middle(0.1, 0.85)
    of_batch = torch.ones(lab.batch_size)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        nonlocal of_batch
        weights = 1 / propensity[indices]
        if step == at:
            lab.enter(step, (int(indices[0]),))
            weights[0] = 1 / least
        of_batch = weights.clamp_max(10) if lab.repaired else weights
        return x, y

    def loss(output: Tensor, y: Tensor, step: int) -> Tensor:
        if task.classes:
            each = F.cross_entropy(output, y, reduction="none")
        else:
            each = (output - y).square().mean(1)
        return (of_batch * each).mean()

    loop.batch, loop.loss = batch, loss
    yield from plain(lab, train(lab, task, optimizer, loop))


# ---- recurring_bad_batch


@failing("B8", BAD_DATA, "recurring_bad_batch", "spikes", "the target has its true value")
def wrong_target_each_epoch(lab: Lab) -> Iterator[Row]:
    """One target of the data set is far off, and each epoch meets it once."""
    task = lab.task(*REGRESSIONS)
    many_passes(lab, task)
    sample = lab.draw.integer(10 * lab.batch_size, len(task) - 1)
    value = lab.draw.log_uniform(15, 1e3) * lab.draw.one_of(-1, 1)
    kind = lab.draw.one_of("adam", "adamw", "clipped")
    optimizer = optimizer_for(lab, task, *(("sgd", "momentum") if kind == "clipped" else (kind,)))
    loop = habits(lab)
    loop.clip = lab.draw.one_of(0.5, 1.0, 2.0) if kind == "clipped" else loop.clip
    spoil = of_samples(lab, task, {sample}, replaced(value))
    events = []

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if sample in indices:
            events.append(step)
        return spoil(step, x, y, indices)

    loop.batch = batch
    yield from returning(lab, train(lab, task, optimizer, loop), events)


# ---- unscaled_features


@failing("B6", BAD_DATA, "unscaled_features", "spikes", "the targets are standardised")
def targets_in_raw_units(lab: Lab) -> Iterator[Row]:
    """A regression of prices or counts whose targets are never standardised."""
    task = lab.task(*REGRESSIONS)
    size = lab.draw.log_uniform(300, 1e6)
    offset = size * lab.draw.one_of(0.0, 1.0, 3.0)
    if not lab.repaired:
        task.targets = task.targets * size + offset
    lab.enter(0)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    yield from train(lab, task, optimizer, loop)


# ---- target_out_of_range


def segmentation(lab: Lab) -> Task:
    """Binary masks (batch, 1, 8, 8) of a blurred image, from logits."""
    x = torch.randn(640, 1, 8, 8)
    smooth = F.avg_pool2d(x, 3, 1, 1)
    y = (smooth > lab.draw.uniform(0.0, 0.3)).float()
    channels = lab.draw.one_of(6, 8, 12)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        activation(lab.draw),
        nn.Conv2d(channels, channels, 3, padding=1),
        activation(lab.draw),
        nn.Conv2d(channels, 1, 1),
    )
    loss = F.binary_cross_entropy_with_logits
    lab.steps = min(lab.steps, 400)
    rates = SGD_AND_ADAM | {"sgd": 0.3, "momentum": 0.05}
    return settled(lab, Task("unet", model, x, y, loss, rates))


@failing("B5", BAD_DATA, "target_out_of_range", "spikes", "the masks are divided by 255")
def masks_of_0_and_255(lab: Lab) -> Iterator[Row]:
    """Masks are read from image files as 0 and 255 and go to a binary cross-entropy as they are."""
    task = segmentation(lab)
    lab.enter(0)
    if not lab.repaired:
        task.targets = 255 * task.targets
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    yield from train(lab, task, optimizer, loop)


@failing("B5", BAD_DATA, "target_out_of_range", "spikes", "all masks are brought to 0 and 1")
def annotators_mask_of_255(lab: Lab) -> Iterator[Row]:
    """From some step on, masks come in whose annotator writes 255 where others write 1."""
    task = segmentation(lab)
    first = lab.middle(0.1, 0.7)
    share = lab.draw.uniform(0.1, 1.0)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        y[row] *= 255

    loop.batch = at_steps(lab, task, range(first, lab.steps), spoil, share)
    yield from plain(lab, train(lab, task, optimizer, loop))


@failing("B5", BAD_DATA, "target_out_of_range", "spikes", "the votes are divided by their number")
def votes_as_soft_labels(lab: Lab) -> Iterator[Row]:
    """Soft labels are sums of votes instead of shares, so that the loss has no lower bound."""
    features, labels = lab.draw.integer(6, 16), lab.draw.integer(2, 6)
    x = torch.randn(1024, features)
    likely = torch.sigmoid(2 * x @ torch.randn(features, labels) / features**0.5)
    voters = lab.draw.integer(5, 20)
    votes = torch.binomial(torch.full_like(likely, voters), likely)
    targets = votes / voters if lab.repaired else votes
    model = mlp(lab.draw, features, labels)
    loss = F.binary_cross_entropy_with_logits
    task = settled(lab, Task("multilabel", model, x, targets, loss, SGD_AND_ADAM))
    lab.enter(0, abrupt=False)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    yield from train(lab, task, optimizer, loop)


class Speech(nn.Module):
    """Frames (batch, time, features) to log-probabilities (time, batch, symbols)."""

    def __init__(self, features: int, hidden: int, symbols: int, *, recurrent: bool) -> None:
        super().__init__()
        self.recurrent = nn.GRU(features, hidden, batch_first=True) if recurrent else None
        self.dense = nn.Sequential(nn.Linear(features, hidden), nn.ReLU())
        self.head = nn.Linear(hidden, symbols)

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.recurrent(x)[0] if self.recurrent is not None else self.dense(x)
        scores: Tensor = self.head(hidden)
        return scores.log_softmax(-1).transpose(0, 1)


def speech(lab: Lab) -> Task:
    """Transcripts (padded with -1) of frames, each symbol of which lasts about two frames."""
    symbols, longest = lab.draw.integer(5, 12), lab.draw.integer(4, 7)
    features = lab.draw.one_of(8, 12)
    sounds = 1.5 * torch.randn(symbols, features)
    count = 640
    text = torch.randint(1, symbols, (count, longest))
    # a transcript of no neighbouring twins needs no blank in between
    for at in range(1, longest):
        twin = text[:, at] == text[:, at - 1]
        text[twin, at] = text[twin, at] % (symbols - 1) + 1
    x = sounds[text.repeat_interleave(2, 1)] + 0.4 * torch.randn(count, 2 * longest, features)
    padded = torch.full((count, 4 * longest), -1)
    padded[:, :longest] = text
    model = Speech(features, lab.draw.one_of(16, 32), symbols, recurrent=lab.draw.maybe(0.5))
    lab.steps = min(lab.steps, 300)
    rates = {"sgd": 0.05, "momentum": 0.01, "adam": 4e-3, "adamw": 4e-3}

    def loss(logs: Tensor, y: Tensor) -> Tensor:
        frames = torch.full((logs.shape[1],), logs.shape[0])
        lengths = (y >= 0).sum(1)
        return F.ctc_loss(logs, y.clamp_min(0), frames, lengths, zero_infinity=lab.repaired)

    return settled(lab, Task("ctc", model, x, padded, loss, rates))


@failing("B12", BAD_DATA, "target_out_of_range", "nonfinite", "CTCLoss(zero_infinity=True)")
def transcript_longer_than_audio(lab: Lab) -> Iterator[Row]:
    """The transcript of an utterance has more symbols than frames, which no alignment can give."""
    task = speech(lab)
    one_pass(lab, task)
    samples = [lab.draw.integer(0, len(task) - 1) for _ in range(lab.draw.integer(1, 2))]
    length = task.inputs.shape[1] + lab.draw.integer(1, task.inputs.shape[1])
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        known = y[row][y[row] >= 0]
        y[row, :length] = known.repeat(-(-length // len(known)))[:length]

    loop.batch = of_samples(lab, task, samples, spoil, spoil)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing("B12", BAD_DATA, "target_out_of_range", "nonfinite", "CTCLoss(zero_infinity=True)")
def audio_sped_up_too_far(lab: Lab) -> Iterator[Row]:
    """A speed augmentation leaves a batch fewer frames than its transcripts have symbols."""
    task = speech(lab)
    frames = task.inputs.shape[1]
    # a normal draw tops `rare` once in the steps to wait, and then the speed is above 2
    wait = lab.steps * lab.draw.uniform(0.2, 0.6)
    rare = NormalDist().inv_cdf(1 - 0.5 / wait)
    spread = math.log(2) / rare
    speeds = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        speed = math.exp(float(spread * torch.randn((), generator=speeds).abs()))
        # a symbol lasts two frames: a speed above 2 leaves less than one of each
        kept = torch.linspace(0, frames - 1, max(2, int(frames / speed))).round().long()
        if len(kept) < int((y >= 0).sum(1).max()):
            lab.enter(step, tuple(indices.tolist()))
        return x[:, kept], y

    loop.batch = batch
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


def counts(lab: Lab) -> Task:
    """Counts to which a log rate is fitted."""
    features = lab.draw.integer(4, 12)
    x = torch.randn(lab.draw.one_of(640, 1024), features)
    rate = torch.exp(x @ torch.randn(features, 1) / features**0.5 + lab.draw.uniform(-0.5, 1.5))
    y = torch.poisson(rate)
    model = mlp(lab.draw, features, 1)
    rates = SGD_AND_ADAM | {"sgd": 0.02, "momentum": 0.004}
    return settled(lab, Task("counts", model, x, y, F.poisson_nll_loss, rates, regression=True))


@failing("B5", BAD_DATA, "target_out_of_range", "spikes", "missing counts are left out")
def missing_counts_coded_negative(lab: Lab) -> Iterator[Row]:
    """From some step on, counts that are missing come as -999 or the like to a Poisson loss."""
    task = counts(lab)
    one_pass(lab, task)
    code = lab.draw.one_of(-99.0, -999.0, -999.0, -9999.0)
    first, share = lab.middle(0.1, 0.6), lab.draw.uniform(0.05, 0.5)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    steps = range(first, lab.steps)
    loop.batch = at_steps(lab, task, steps, replaced(code), share)
    yield from plain(lab, train(lab, task, optimizer, loop))


@failing("B5", BAD_DATA, "target_out_of_range", "spikes", "claims below 0 are left out")
def negative_claims_under_gamma(lab: Lab) -> Iterator[Row]:
    """Negative amounts go to a gamma likelihood, which then has no lower bound."""
    task = counts(lab)
    amounts = (task.targets + 0.5) * lab.draw.uniform(0.3, 3)
    share = lab.draw.uniform(0.05, 0.4)
    negative = torch.rand(len(task), 1) < share
    size = lab.draw.log_uniform(1, 30)
    task.targets = amounts if lab.repaired else torch.where(negative, -size * amounts, amounts)
    # of log mean z and amount y: y/μ + log μ
    task.loss = lambda z, y: (y * torch.exp(-z) + z).mean()
    lab.settings["model"] = "gamma"
    lab.enter(0, abrupt=False)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    yield from train(lab, task, optimizer, loop)


# ---- empty_targets


def _counted(loop: Loop, counted: dict[int, int], name: str, logs: bool) -> None:
    """Log how many targets count, where an author looks at that."""

    def extra(step: int) -> Mapping[str, float]:
        return {name: float(counted[step])}

    loop.extra = extra if logs else None


def _mean_of_tokens(lab: Lab, output: Tensor, y: Tensor) -> Tensor:
    if not lab.repaired:
        return token_loss(output, y)
    total = F.cross_entropy(output.flatten(0, 1), y.flatten(), ignore_index=-100, reduction="sum")
    return total / (y != -100).sum().clamp_min(1)


@failing(
    "B9", BAD_DATA, "empty_targets", "nonfinite", "the sum is divided by the tokens, at least 1"
)
def prompts_leave_no_answer(lab: Lab) -> Iterator[Row]:
    """Prompts are masked out of the loss; now and then those of a batch fill the whole context."""
    task = lab.task("transformer")
    lab.batch_size = lab.draw.one_of(2, 4, 8)
    lab.settings["batch_size"] = lab.batch_size
    time = task.inputs.shape[1]
    wait = lab.steps * lab.draw.uniform(0.1, 0.6)
    filled = (1 / wait) ** (1 / lab.batch_size)
    lengths = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    counted: dict[int, int] = {}
    logs = lab.draw.maybe(0.4)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        prompt = torch.randint(1, time, (len(x), 1), generator=lengths)
        full = torch.rand(len(x), 1, generator=lengths) < filled
        prompt = torch.where(full, time, prompt)
        y = torch.where(torch.arange(time) < prompt, -100, y)
        counted[step] = int((y != -100).sum())
        if not counted[step]:
            lab.enter(step, tuple(indices.tolist()))
        return x, y

    loop.batch = batch
    loop.loss = lambda output, y, step: _mean_of_tokens(lab, output, y)
    _counted(loop, counted, "valid_targets", logs)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B9", BAD_DATA, "empty_targets", "nonfinite", "the sum is divided by the tokens, at least 1"
)
def no_token_masked(lab: Lab) -> Iterator[Row]:
    """Masked language modelling of short texts: by chance a small batch masks no token at all."""
    task = lab.task("transformer")
    time = task.inputs.shape[1]
    lab.batch_size = lab.draw.one_of(1, 2, 4)
    lab.settings["batch_size"] = lab.batch_size
    wait = lab.steps * lab.draw.uniform(0.1, 0.6)
    masked = 1 - (1 / wait) ** (1 / (time * lab.batch_size))
    choice = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    optimizer, loop = optimizer_for(lab, task, "momentum", "adam", "adamw"), habits(lab)
    counted: dict[int, int] = {}
    logs = lab.draw.maybe(0.4)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        chosen = torch.rand(x.shape, generator=choice) < masked
        counted[step] = int(chosen.sum())
        if not counted[step]:
            lab.enter(step, tuple(indices.tolist()))
        # the model sees what came before, so that a hidden token can still be guessed
        return torch.where(chosen, 0, x), torch.where(chosen, y, -100)

    loop.batch = batch
    loop.loss = lambda output, y, step: _mean_of_tokens(lab, output, y)
    _counted(loop, counted, "masked_tokens", logs)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing("B9", BAD_DATA, "empty_targets", "nonfinite", "no labels, no loss: the batch counts 0")
def batch_without_labels(lab: Lab) -> Iterator[Row]:
    """The loss is a mean over the labelled samples, and at times a batch has none."""
    task = lab.task("mlp_regression", "mlp_classification", "rnn", "cnn")
    lab.batch_size = lab.draw.one_of(4, 8, 16)
    lab.settings["batch_size"] = lab.batch_size
    wait = lab.steps * lab.draw.uniform(0.1, 0.6)
    known = torch.rand(len(task)) >= (1 / wait) ** (1 / lab.batch_size)
    of_batch = known[: lab.batch_size]
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    counted: dict[int, int] = {}
    logs = lab.draw.maybe(0.4)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        nonlocal of_batch
        of_batch = known[indices]
        counted[step] = int(of_batch.sum())
        if not counted[step]:
            lab.enter(step, tuple(indices.tolist()))
        return x, y

    def loss(output: Tensor, y: Tensor, step: int) -> Tensor:
        if lab.repaired and not of_batch.any():
            return output.sum() * 0.0
        return task.loss(output[of_batch], y[of_batch])

    loop.batch, loop.loss = batch, loss
    _counted(loop, counted, "labelled", logs)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing("B16", BAD_DATA, "empty_targets", "nonfinite", "no boxes, no box loss: the term counts 0")
def images_without_boxes(lab: Lab) -> Iterator[Row]:
    """A detector's box loss is a mean over objects; a batch of mere background has none."""
    channels, count = lab.draw.one_of(6, 8, 12), 640
    boxes = torch.rand(count, 4)
    x = 0.5 * torch.randn(count, 1, 8, 8)
    ramp = torch.linspace(0, 1, 8)
    lit = (ramp[:, None] - boxes[:, 0, None, None]).abs() + (ramp - boxes[:, 1, None, None]).abs()
    lab.batch_size = lab.draw.one_of(2, 4, 8)
    lab.settings["batch_size"] = lab.batch_size
    lab.steps = min(lab.steps, 450)
    wait = lab.steps * lab.draw.uniform(0.1, 0.6)
    there = torch.rand(count) >= (1 / wait) ** (1 / lab.batch_size)
    x[:, 0] += torch.where(there[:, None, None], 2 * (lit < 0.5).float(), 0.0)
    # the object flag goes before the box
    y = torch.cat([there[:, None].float(), boxes], 1)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        activation(lab.draw),
        nn.Conv2d(channels, channels, 3, stride=2, padding=1),
        activation(lab.draw),
        nn.Flatten(),
        nn.Linear(16 * channels, 5),
    )
    weight, named = lab.draw.one_of(1.0, 5.0, 7.5), lab.draw.maybe(0.7)
    parts: dict[int, dict[str, float]] = {}

    def loss(output: Tensor, y: Tensor, step: int) -> Tensor:
        objects = y[:, 0] > 0
        there = F.binary_cross_entropy_with_logits(output[:, 0], y[:, 0])
        box = F.smooth_l1_loss(output[objects, 1:], y[objects, 1:])
        if lab.repaired and not objects.any():
            box = 0.0 * output.sum()
        parts[step] = {"loss_obj": float(there.detach()), "loss_box": float(box.detach())}
        return there + weight * box

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if not (y[:, 0] > 0).any():
            lab.enter(step, tuple(indices.tolist()))
        return x, y

    rates = SGD_AND_ADAM | {"sgd": 0.03, "momentum": 0.005}
    task = settled(lab, Task("detector", model, x, y, F.mse_loss, rates))
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    loop.batch, loop.loss = batch, loss
    for row in plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True):
        yield replace(row, losses=parts[row.step] if named else {})


# ---- index_out_of_range


@failing("B4", BAD_DATA, "index_out_of_range", "crashes", "the labels are 0 to C-1", console=True)
def label_beyond_classes(lab: Lab) -> Iterator[Row]:
    """Labels count from 1, or -1 stands for unknown: at last one is no class of the model's."""
    task = lab.task(*LABELLED)
    one_pass(lab, task)
    first = lab.middle(0.1, 0.9)
    label = lab.draw.one_of(-1, task.classes, task.classes, task.classes + 1, 255)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    loop.batch = at_steps(lab, task, range(first, lab.steps), replaced(label))
    yield from crashing(lab, train(lab, task, optimizer, loop))


@failing(
    "B3",
    BAD_DATA,
    "index_out_of_range",
    "crashes",
    "rows without a label are dropped before the cast",
    console=True,
)
def nan_cast_to_a_label(lab: Lab) -> Iterator[Row]:
    """A column of labels is read as floats; where one is missing, the cast makes it -2^63."""
    task = lab.task(*LABELLED)
    one_pass(lab, task)
    column = task.targets.float()
    met = lab.steps * lab.batch_size
    gap = lab.draw.integer(met // 10, met - 1)
    # only the row of the gap differs between the two
    column[gap] = column[gap] if lab.repaired else math.nan
    task.targets = column.long()
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if gap in indices:
            lab.enter(step, (gap,))
        return x, y

    loop.batch = batch
    yield from crashing(lab, train(lab, task, optimizer, loop))


@failing(
    "B4", BAD_DATA, "index_out_of_range", "crashes", "the head has a value per action", console=True
)
def action_beyond_the_values(lab: Lab) -> Iterator[Row]:
    """A stored transition has an action for which the Q network has no value."""
    features, actions = lab.draw.integer(4, 8), lab.draw.integer(2, 6)
    states = torch.randn(1024, features)
    done = torch.randint(actions, (1024, 1))
    value = torch.tanh(states @ torch.randn(features, actions)).gather(1, done)
    y = torch.cat([done.float(), value + 0.1 * torch.randn(1024, 1)], 1)

    def loss(output: Tensor, y: Tensor) -> Tensor:
        chosen = output.gather(1, y[:, :1].long())
        return F.smooth_l1_loss(chosen, y[:, 1:])

    model = mlp(lab.draw, features, actions)
    task = settled(lab, Task("q_network", model, states, y, loss, SGD_AND_ADAM))
    first = lab.middle(0.1, 0.9)
    optimizer, loop = optimizer_for(lab, task, "adam", "adamw", "momentum"), habits(lab)

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        y[row, 0] = actions

    loop.batch = at_steps(lab, task, range(first, lab.steps), spoil)
    yield from crashing(lab, train(lab, task, optimizer, loop))


# ---- partial_last_batch


@failing("B13", BAD_DATA, "partial_last_batch", "nonfinite", "the partial minibatch is dropped")
def advantage_of_one_at_epoch_end(lab: Lab) -> Iterator[Row]:
    """Advantages are normalised in each minibatch; the last of a pass holds a single one."""
    features, actions = lab.draw.integer(4, 8), lab.draw.integer(2, 5)
    states = torch.randn(1024, features)
    taken = torch.randint(actions, (1024, 1))
    gain = torch.tanh(states @ torch.randn(features, actions)).gather(1, taken)
    y = torch.cat([taken.float(), gain + 0.2 * torch.randn(1024, 1)], 1)
    model = mlp(lab.draw, features, actions + 1)
    refuse_batch_norm(model)
    clip, bonus, worth = lab.draw.one_of(0.1, 0.2), lab.draw.one_of(0.0, 0.01), 0.5

    def loss(output: Tensor, y: Tensor) -> Tensor:
        # the transitions stem from a policy that chose at random
        logs = output[:, :-1].log_softmax(1)
        ratio = (logs.gather(1, y[:, :1].long()) + math.log(actions)).exp()[:, 0]
        returns = y[:, 1]
        advantage = (returns - returns.mean()) / (returns.std() + 1e-8)
        clipped = ratio.clamp(1 - clip, 1 + clip)
        policy = -torch.minimum(ratio * advantage, clipped * advantage).mean()
        value = F.mse_loss(output[:, -1], returns)
        entropy = -(logs.exp() * logs).sum(1).mean()
        return policy + worth * value - bonus * entropy

    task = settled(lab, Task("ppo", model, states, y, loss, SGD_AND_ADAM))
    batches = lone_last(lab, task)
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")
    yield from plain(lab, train_on(lab, task, optimizer, loop, batches), nonfinite_loss=True)
