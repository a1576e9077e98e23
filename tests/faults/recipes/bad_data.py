"""B1, B6 to B8, B10 and B13: inputs that the model cannot digest."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Collection, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import SGD_AND_ADAM, Task, mlp
from tests.faults.training import Batch, Loop, train

BAD_DATA = "bad_data"
REAL_VALUED = ("mlp_regression", "mlp_classification", "cnn", "rnn", "autoencoder")

Spoil = Callable[[Tensor, Tensor, int], None]
"""Changes (inputs, targets) of a copied batch in this row."""
BatchHook = Callable[[int, Tensor, Tensor, Tensor], Batch]


# ---- what the recipes of this module and of bad_targets share


def habits(lab: Lab, *, clips: bool = True, validates: bool = True) -> Loop:
    """Clipping, schedule and validation as one author or another has them."""
    clip = lab.draw.one_of(None, None, 0.5, 1.0, 5.0)
    shape = lab.draw.one_of("constant", "constant", "warmup", "cosine", "linear")
    warmup = lab.draw.integer(5, 40)
    every = lab.draw.one_of(None, None, 20, 50)

    def factor(step: int) -> float:
        place = min(1.0, step / lab.steps)
        if shape == "cosine":
            return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * place))
        if shape == "linear":
            return 1 - 0.95 * place
        return min(1.0, (step + 1) / warmup) if shape == "warmup" else 1.0

    return Loop(
        clip=clip if clips else None,
        schedule=None if shape == "constant" else factor,
        validate_every=every if validates else None,
    )


def optimizer_for(lab: Lab, task: Task, *kinds: str) -> torch.optim.Optimizer:
    """An optimizer of one of these kinds at a sound rate, which no two authors choose alike."""
    factor = lab.draw.log_uniform(0.4, 1.5)
    decay = lab.draw.one_of(0.0, 0.0, 1e-4, 1e-2)
    return lab.optimizer(task, *kinds, factor=factor, weight_decay=decay)


def one_pass(lab: Lab, task: Task) -> None:
    """Make the data last for the whole run, so that nothing in it comes twice."""
    times = -(-lab.steps * lab.batch_size // len(task))
    task.inputs = torch.cat([task.inputs] * times)
    task.targets = torch.cat([task.targets] * times)


def many_passes(lab: Lab, task: Task) -> int:
    """Make the run last for 5 to 20 epochs; gives the steps of one."""
    lab.batch_size = min(lab.draw.one_of(16, 32, 64), 2 ** int(math.log2(len(task) / 16)))
    lab.settings["batch_size"] = lab.batch_size
    lab.steps = lab.draw.integer(240, 500)
    per_epoch = max(16, min(len(task) // lab.batch_size, lab.steps // lab.draw.integer(5, 20)))
    task.inputs = task.inputs[: per_epoch * lab.batch_size]
    task.targets = task.targets[: per_epoch * lab.batch_size]
    return len(task) // lab.batch_size


def of_samples(
    lab: Lab, task: Task, samples: Collection[int], spoil: Spoil, sound: Spoil | None = None
) -> BatchHook:
    """A batch hook that spoils these samples; `sound` is what they are when repaired."""

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        rows = [row for row, index in enumerate(indices.tolist()) if index in samples]
        change = sound if lab.repaired else spoil
        if not rows or change is None:
            return x, y
        lab.enter(step, tuple(indices[rows].tolist()))
        x, y = x.clone(), y.clone()
        for row in rows:
            change(x, y, row)
        return x, x if task.name == "autoencoder" else y

    return batch


def at_steps(
    lab: Lab, task: Task, steps: Collection[int], spoil: Spoil, share: float = 0.0
) -> BatchHook:
    """A batch hook that spoils a share of the batch (at least its first sample) at these steps."""

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if step not in steps or lab.repaired:
            return x, y
        rows = range(max(1, round(share * len(x))))
        lab.enter(step, tuple(indices[: len(rows)].tolist()))
        x, y = x.clone(), y.clone()
        for row in rows:
            spoil(x, y, row)
        return x, x if task.name == "autoencoder" else y

    return batch


def plain(
    lab: Lab, rows: Iterator[Row], *, nonfinite_loss: bool = False, least: int = 10
) -> Iterator[Row]:
    """Refuse a draw whose fault comes too early to tell, or leaves no mark at its entrance."""
    if not lab.judged:
        yield from rows
        return
    losses: list[float] = []
    norms: list[float] = []
    for row in rows:
        loss, norm = row.loss or sum(row.losses.values()), row.grad_norm or 0.0
        yield row
        here = lab.entrance is not None and lab.entrance.step == row.step and not lab.repaired
        if here and len(losses) < least:
            # build.py takes it for a draw that does not show what it should
            raise ValueError("too few sound rows before the fault")
        if here and nonfinite_loss and math.isfinite(loss):
            raise ValueError("the loss is finite where the fault enters")
        if here and math.isfinite(loss) and math.isfinite(norm):
            shows = abs(loss) > 2 * max(map(abs, losses)) or norm > 4 * max(norms)
            if not shows:
                raise ValueError("the fault leaves no mark where it enters")
        losses.append(loss)
        norms.append(norm)
    if lab.entrance is None and not lab.repaired:
        lab.enter(0)
        raise ValueError("the fault never came up")


def crashing(lab: Lab, rows: Iterator[Row]) -> Iterator[Row]:
    """Count the step in which the script crashes, although it never comes to log anything."""
    try:
        yield from rows
    except (IndexError, RuntimeError):
        if lab.entrance is not None:
            yield Row(lab.entrance.step, None)
        raise


def returning(lab: Lab, rows: Iterator[Row], events: list[int]) -> Iterator[Row]:
    """Refuse a draw whose recurring fault is seen less than three times."""
    seen = []
    for row in plain(lab, rows):
        seen.append(row)
        yield row
    if lab.repaired or not lab.judged:
        return
    losses = sorted(row.loss or 0.0 for row in seen if math.isfinite(row.loss or 0.0))
    norms = sorted(row.grad_norm or 0.0 for row in seen if math.isfinite(row.grad_norm or 0.0))
    marked = [
        row
        for row in seen
        if row.step in events
        and not (
            (row.loss or 0.0) < 2.5 * losses[len(losses) // 2]
            and (row.grad_norm or 0.0) < 4 * norms[len(norms) // 2]
        )
    ]
    if len(marked) < 3:
        raise ValueError("the fault does not come back")


def scaler_of(lab: Lab) -> torch.amp.GradScaler:
    """A loss scaler as people set it up."""
    initial = 2.0 ** lab.draw.integer(8, 16)
    return torch.amp.GradScaler(
        "cpu", init_scale=initial, growth_interval=lab.draw.one_of(50, 100, 2000)
    )


def skipping(optimizer: torch.optim.Optimizer) -> Callable[[int], None]:
    """A hook before the step that drops gradients which are not finite."""

    def skip(step: int) -> None:
        grads = [p.grad for group in optimizer.param_groups for p in group["params"]]
        if not all(bool(torch.isfinite(g).all()) for g in grads if g is not None):
            optimizer.zero_grad(set_to_none=True)

    return skip


def protect(lab: Lab, loop: Loop, optimizer: torch.optim.Optimizer, *kinds: str) -> None:
    """Let the run survive a batch whose gradients are not finite, in the drawn way."""
    kind, scaler = lab.draw.one_of(*kinds), scaler_of(lab)
    if kind == "scaler":
        loop.scaler = scaler
    elif kind == "skip":
        loop.before_step = skipping(optimizer)


def missing(share: float) -> Spoil:
    """A spoiling that leaves a share of a sample's values (at least one) missing."""

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        values = x[row].view(-1)
        values[-max(1, round(share * len(values))) :] = math.nan

    return spoil


def scaled(factor: float, features: int) -> Spoil:
    """A spoiling that multiplies a sample's first few features, or all of an image."""

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        # a series or an image fails in all its time steps, a record in single fields
        part = x[row] if x.dim() > 2 else x[row, :features]
        part *= factor

    return spoil


def keeping_last(lab: Lab, size: int) -> list[tuple[float, Tensor]]:
    """Epoch and sample indices of each step, the partial batch at an epoch's end included."""
    shuffling = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    batches: list[tuple[float, Tensor]] = []
    epoch = 0
    while len(batches) < lab.steps:
        order = torch.randperm(size, generator=shuffling) if lab.shuffle else torch.arange(size)
        parts = order.split(lab.batch_size)
        batches += [(epoch + at / len(parts), part) for at, part in enumerate(parts)]
        epoch += 1
    return batches[: lab.steps]


def refuse_batch_norm(model: nn.Module) -> None:
    """BatchNorm raises on a lone sample, which is another failure: take another draw."""
    if any(isinstance(layer, nn.BatchNorm1d) for layer in model.modules()):
        raise ValueError("BatchNorm refuses a lone sample")


def lone_last(lab: Lab, task: Task) -> list[tuple[float, Tensor]]:
    """Batches of data whose last batch of an epoch holds one sample; dropped when repaired."""
    lab.batch_size = lab.draw.one_of(8, 16, 32)
    lab.settings["batch_size"] = lab.batch_size
    most = min(len(task) // lab.batch_size - 1, lab.steps // 2)
    per_epoch = lab.draw.integer(15, most)
    size = per_epoch * lab.batch_size + 1
    task.inputs, task.targets = task.inputs[:size], task.targets[:size]
    batches = keeping_last(lab, size)
    if lab.repaired:
        return [part for part in batches if len(part[1]) > 1]
    at, lone = next((at, part) for at, (_, part) in enumerate(batches) if len(part) == 1)
    lab.enter(at, tuple(lone.tolist()))
    return batches


def train_on(
    lab: Lab,
    task: Task,
    optimizer: torch.optim.Optimizer,
    loop: Loop,
    batches: list[tuple[float, Tensor]],
) -> Iterator[Row]:
    """Like `train`, on these batches; the hook gets them as it would the lab's."""
    hook = loop.batch

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        chosen = batches[step][1]
        x, y = task.inputs[chosen], task.targets[chosen]
        return hook(step, x, y, chosen) if hook is not None else (x, y)

    loop.batch, loop.steps = batch, len(batches)
    for row in train(lab, task, optimizer, loop):
        yield dataclasses.replace(row, epoch=batches[row.step][0])


# ---- nonfinite_input_or_target


@failing(
    "B1", BAD_DATA, "nonfinite_input_or_target", "nonfinite", "the missing values are filled in"
)
def nan_in_one_sample(lab: Lab) -> Iterator[Row]:
    """One sample of a large data set has missing values, which reach the model as NaN."""
    task = lab.task(*REAL_VALUED)
    one_pass(lab, task)
    share = lab.draw.one_of(0.0, 0.3, 1.0)
    samples = [lab.draw.integer(0, len(task) - 1)]
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    loop.batch = of_samples(lab, task, samples, missing(share))
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing("B1", BAD_DATA, "nonfinite_input_or_target", "nonfinite", "the shard is stored in float32")
def reading_overflows_half_storage(lab: Lab) -> Iterator[Row]:
    """A new shard is stored in float16, in which a large but sound reading becomes inf."""
    task = lab.task("mlp_regression", "mlp_classification", "rnn", "autoencoder")
    at = lab.middle(0.1, 0.8)
    spread = lab.draw.uniform(2e4, 4e4)
    reading = lab.draw.uniform(6.6e4, 1e5) * lab.draw.one_of(-1, 1)
    feature = lab.draw.integer(0, task.inputs.shape[-1] - 1)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if step < at:
            return x, y
        stored = x * spread
        if step == at:
            lab.enter(step, (int(indices[0]),))
            stored[0, ..., feature] = reading
        x = (stored if lab.repaired else stored.half().float()) / spread
        return x, x if task.name == "autoencoder" else y

    loop.batch = batch
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B1",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "the deviation is kept above 1e-6 when standardising",
)
def dead_sensor_in_new_shard(lab: Lab) -> Iterator[Row]:
    """Each shard is standardised by its own statistics; in one, a sensor is stuck at 0: 0/0."""
    task = lab.task("mlp_regression", "mlp_classification", "rnn", "autoencoder")
    lab.shuffle = False
    one_pass(lab, task)
    shard = lab.draw.integer(2, 12) * lab.batch_size
    dead = shard * lab.draw.integer(1, max(1, len(task) // shard - 1))
    feature = lab.draw.integer(0, task.inputs.shape[-1] - 1)
    raw = task.inputs.clone()
    raw[dead : dead + shard, ..., feature] = 0.0
    least = 1e-6 if lab.repaired else 0.0
    parts = []
    for part in raw.split(shard):
        over = tuple(range(part.dim() - 1))
        spread = part.std(over).clamp_min(least)
        parts.append((part - part.mean(over)) / spread)
    task.inputs = torch.cat(parts)
    if task.name == "autoencoder":
        task.targets = task.inputs
    lab.enter(dead // lab.batch_size, tuple(range(dead, dead + lab.batch_size)))
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B1",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "a small number is added to the deviation of an image",
)
def blank_image(lab: Lab) -> Iterator[Row]:
    """Each image is divided by its own deviation, and one image is black: 0/0."""
    task = lab.task("cnn")
    one_pass(lab, task)
    samples = [lab.draw.integer(0, len(task) - 1)]
    by_range = lab.draw.maybe(0.4)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        blank = torch.isin(indices, torch.tensor(samples))
        if blank.any():
            lab.enter(step, tuple(indices[blank].tolist()))
        x = torch.where(blank[:, None, None, None], 0.0, x)
        small = 1e-6 if lab.repaired else 0.0
        if by_range:
            low, high = x.amin((1, 2, 3), True), x.amax((1, 2, 3), True)
            return 2 * (x - low) / (high - low + small) - 1, y
        return (x - x.mean((1, 2, 3), True)) / (x.std((1, 2, 3), keepdim=True) + small), y

    loop.batch = batch
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B1",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "the share of what is kept has a lower bound in the augmentation",
)
def augmentation_masks_everything(lab: Lab) -> Iterator[Row]:
    """Random masking divides by the share that it keeps; by chance it keeps nothing: 0/0."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "rnn", "autoencoder")
    along = 2 if task.name == "cnn" else 1
    length = task.inputs.shape[along]
    wait = lab.steps * lab.draw.uniform(0.2, 0.6)
    masked = (1 / (wait * lab.batch_size)) ** (1 / length)
    masking = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "none", "scaler", "skip")

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        keep = (torch.rand(len(x), length, generator=masking) >= masked).float()
        empty = keep.sum(1) == 0
        if empty.any():
            lab.enter(step, tuple(indices[empty].tolist()))
        kept = keep.mean(1, keepdim=True).clamp_min(1 / length if lab.repaired else 0.0)
        shape = [len(x)] + [length if at == along else 1 for at in range(1, x.dim())]
        return x * (keep / kept).view(shape), y

    loop.batch = batch
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


class Listener(nn.Module):
    """A one-dimensional convolution over (batch, time), pooled."""

    def __init__(self, channels: int, classes: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, channels, 5, padding=2)
        self.conv2 = nn.Conv1d(channels, channels, 3, stride=2, padding=1)
        self.head = nn.Linear(channels, classes)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.conv2(self.activation(self.conv1(x[:, None]))))
        out: Tensor = self.head(x.mean(2))
        return out


@failing(
    "B1",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "a small number is added to the peak by which a clip is divided",
)
def silent_crop(lab: Lab) -> Iterator[Row]:
    """Random crops of recordings are scaled to a peak of 1; at last one holds only silence."""
    classes, length = lab.draw.integer(2, 5), lab.draw.one_of(64, 96)
    crop, count = lab.draw.one_of(24, 32), lab.draw.one_of(512, 1024)
    y = torch.randint(classes, (count,))
    pitch = torch.linspace(0.2, 1.4, classes)[y, None]
    sound = torch.sin(pitch * torch.arange(length) + 6 * torch.rand(count, 1))
    sound += lab.draw.uniform(0.1, 0.5) * torch.randn(count, length)
    quiet = lab.draw.integer(0, count - 1)
    sound[quiet, : crop + lab.draw.integer(0, 8)] = 0.0
    channels = lab.draw.one_of(6, 10)
    model = Listener(channels, classes, lab.draw.one_of(nn.ReLU, nn.GELU, nn.Tanh))
    task = Task("audio", model, sound, y, F.cross_entropy, SGD_AND_ADAM, classes=classes)
    lab.settings["model"] = "audio"
    cropping = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))
    optimizer, loop = optimizer_for(lab, task, "momentum", "adam", "adamw"), habits(lab)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        start = torch.randint(length - crop + 1, (len(x), 1), generator=cropping)
        x = x.gather(1, start + torch.arange(crop))
        peak = x.abs().amax(1, keepdim=True)
        silent = peak[:, 0] == 0
        if silent.any():
            lab.enter(step, tuple(indices[silent].tolist()))
        return x / (peak + 1e-6 if lab.repaired else peak), y

    loop.batch = batch
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B1",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "the broken samples are taken out",
)
def nan_input_under_loss_scaling(lab: Lab) -> Iterator[Row]:
    """One or a few samples hold NaN; the loss scaler skips their steps and the run goes on."""
    task = lab.task(*REAL_VALUED)
    lab.steps = min(lab.steps, 320)
    at = {lab.middle(0.1, 0.8) for _ in range(lab.draw.one_of(1, 1, 1, 2, 3))}
    spoil = missing(lab.draw.one_of(0.0, 1.0))
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    loop.scaler = scaler_of(lab)
    half = task.name in ("mlp_regression", "mlp_classification", "autoencoder")
    precision = lab.draw.one_of(None, torch.float16, torch.bfloat16)
    loop.precision = precision if half else None
    loop.batch = at_steps(lab, task, at, spoil)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B1",
    BAD_DATA,
    "nonfinite_input_or_target",
    "nonfinite",
    "broken samples are filtered when the data set is read",
)
def broken_samples_skipped(lab: Lab) -> Iterator[Row]:
    """A few samples decode to NaN or inf; the loop drops gradients that are not finite."""
    task = lab.task(*REAL_VALUED)
    one_pass(lab, task)
    met = lab.steps * lab.batch_size
    samples = [lab.draw.integer(0, met - 1) for _ in range(lab.draw.integer(1, 5))]
    value = lab.draw.one_of(math.nan, math.nan, math.inf)
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    loop.before_step = skipping(optimizer)

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        x[row] = value

    loop.batch = of_samples(lab, task, samples, spoil)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


@failing(
    "B1", BAD_DATA, "nonfinite_input_or_target", "nonfinite", "the shard is read with its columns"
)
def shard_without_a_column(lab: Lab) -> Iterator[Row]:
    """A shard names a column differently, so that joining the tables leaves it NaN all through."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "rnn")
    lab.shuffle = False
    one_pass(lab, task)
    first = lab.middle(0.1, 0.7)
    batches = lab.draw.integer(2, 12)
    # rows of the shard may be mixed with others of the old kind
    share = lab.draw.one_of(0.3, 1.0)
    feature = lab.draw.integer(0, task.inputs.shape[-1] - 1)
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    protect(lab, loop, optimizer, "none", "scaler", "scaler", "skip")

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        x[row, ..., feature] = math.nan

    loop.batch = at_steps(lab, task, range(first, first + batches), spoil, share)
    yield from plain(lab, train(lab, task, optimizer, loop), nonfinite_loss=True)


# ---- outlier_batch


@failing("B7", BAD_DATA, "outlier_batch", "spikes", "the sample has its true value")
def sensor_glitch(lab: Lab) -> Iterator[Row]:
    """One sample of one batch has features many times too large, as from a glitching sensor."""
    task = lab.task("mlp_regression", "mlp_classification", "rnn", "autoencoder", "cnn")
    factor = lab.draw.log_uniform(1e2, 1e6) * lab.draw.one_of(-1, 1)
    at, features = lab.middle(0.1, 0.85), lab.draw.integer(1, 4)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    loop.batch = at_steps(lab, task, {at}, scaled(factor, features))
    yield from plain(lab, train(lab, task, optimizer, loop))


@failing("B7", BAD_DATA, "outlier_batch", "spikes", "the missing reading is filled with the mean")
def missing_value_code(lab: Lab) -> Iterator[Row]:
    """A missing reading is coded as -9999 or the like, and nobody decodes it."""
    task = lab.task("mlp_regression", "mlp_classification", "rnn", "autoencoder")
    one_pass(lab, task)
    code = lab.draw.one_of(-999.0, -9999.0, -32768.0, 99999.0, 1e9)
    at, count = lab.middle(0.1, 0.8), lab.draw.integer(1, 3)
    feature = lab.draw.integer(0, task.inputs.shape[-1] - 1)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        x[row, ..., feature] = code

    loop.batch = at_steps(lab, task, {at}, spoil, count / lab.batch_size)
    yield from plain(lab, train(lab, task, optimizer, loop))


@failing("B7", BAD_DATA, "outlier_batch", "spikes", "the images are rescaled like all others")
def image_batch_not_rescaled(lab: Lab) -> Iterator[Row]:
    """A batch of images comes as bytes of 0 to 255 where all others are standardised."""
    task = lab.task("cnn")
    at = lab.middle(0.1, 0.85)
    share = lab.draw.one_of(0.1, 0.5, 1.0)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        x[row] = ((x[row] + 3) / 6 * 255).clamp(0, 255).round()

    loop.batch = at_steps(lab, task, {at}, spoil, share)
    yield from plain(lab, train(lab, task, optimizer, loop))


@failing("B7", BAD_DATA, "outlier_batch", "spikes", "all sources give the same unit")
def batches_in_other_units(lab: Lab) -> Iterator[Row]:
    """A few batches in a row come from a source that gives millimetres or the like."""
    task = lab.task("mlp_regression", "rnn", "mlp_classification", "autoencoder")
    factor = lab.draw.one_of(100.0, 1000.0, 1000.0, 3600.0, 1e6)
    first, count = lab.middle(0.1, 0.8), lab.draw.integer(1, 5)
    features = lab.draw.one_of(1, 2, 100)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    steps = range(first, first + count)
    loop.batch = at_steps(lab, task, steps, scaled(factor, features), lab.draw.one_of(0.3, 1.0))
    yield from plain(lab, train(lab, task, optimizer, loop))


# ---- recurring_bad_batch


def _outlier_each_epoch(lab: Lab) -> Iterator[Row]:
    task = lab.task("mlp_regression", "mlp_classification", "rnn", "autoencoder", "cnn")
    many_passes(lab, task)
    sample = lab.draw.integer(10 * lab.batch_size, len(task) - 1)
    factor = lab.draw.log_uniform(20, 1e3) * lab.draw.one_of(-1, 1)
    # what plain SGD learns from such a sample destroys it at once
    kind = lab.draw.one_of("adam", "adamw", "clipped")
    optimizer = optimizer_for(lab, task, *(("sgd", "momentum") if kind == "clipped" else (kind,)))
    loop = habits(lab)
    loop.clip = lab.draw.one_of(0.5, 1.0, 2.0) if kind == "clipped" else loop.clip
    spoil = of_samples(lab, task, {sample}, scaled(factor, lab.draw.integer(1, 3)))
    events = []

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if sample in indices:
            events.append(step)
        return spoil(step, x, y, indices)

    loop.batch = batch
    yield from returning(lab, train(lab, task, optimizer, loop), events)


@failing("B8", BAD_DATA, "recurring_bad_batch", "spikes", "the sample has its true value")
def outlier_each_epoch_in_order(lab: Lab) -> Iterator[Row]:
    """Unshuffled data with one outlying sample: a spike at the same place of every epoch."""
    lab.shuffle = False
    yield from _outlier_each_epoch(lab)


@failing("B8", BAD_DATA, "recurring_bad_batch", "spikes", "the sample has its true value")
def outlier_each_epoch_shuffled(lab: Lab) -> Iterator[Row]:
    """Shuffled data with one outlying sample: a spike once an epoch, wherever it falls."""
    lab.shuffle = True
    yield from _outlier_each_epoch(lab)


@failing("B8", BAD_DATA, "recurring_bad_batch", "nonfinite", "the sample is taken out of the data")
def nan_skipped_each_epoch(lab: Lab) -> Iterator[Row]:
    """One sample holds NaN; its step is skipped, once in every epoch."""
    task = lab.task(*REAL_VALUED)
    many_passes(lab, task)
    sample = lab.draw.integer(10 * lab.batch_size, len(task) - 1)
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    protect(lab, loop, optimizer, "scaler", "skip")
    spoil = of_samples(lab, task, {sample}, missing(lab.draw.one_of(0.0, 1.0)))
    events = []

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if sample in indices:
            events.append(step)
        return spoil(step, x, y, indices)

    loop.batch = batch
    yield from returning(lab, train(lab, task, optimizer, loop), events)


# ---- unscaled_features


def first_loss(task: Task) -> float:
    """The loss before any training."""
    model = copy.deepcopy(task.model)
    with torch.no_grad():
        return float(task.loss(model(task.inputs[:64]), task.targets[:64]))


def _unscaled(lab: Lab, task: Task, scale: Tensor, offset: Tensor) -> Iterator[Row]:
    """Train on inputs in raw units, or on the standardised ones when repaired."""
    if not lab.repaired:
        small = first_loss(task)
        task.inputs = task.inputs * scale + offset
        if task.name == "autoencoder":
            task.targets = task.inputs
        if first_loss(task) < 5 * small:
            raise ValueError("the model copes with the scale, by saturation or normalisation")
    lab.enter(0)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    yield from train(lab, task, optimizer, loop)


@failing("B6", BAD_DATA, "unscaled_features", "spikes", "the features are standardised")
def features_in_raw_units(lab: Lab) -> Iterator[Row]:
    """Some or all features come in raw units, hundreds to hundred thousands in size."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder")
    width = task.inputs.shape[-1]
    size = lab.draw.log_uniform(100, 1e5)
    share = lab.draw.one_of(0.3, 1.0)
    large = torch.arange(width) < max(1, round(share * width))
    # columns of a table differ in their units
    spread = torch.where(large, size * 10 ** (lab.draw.uniform(0, 1) * torch.randn(width)), 1.0)
    offset = torch.where(large, size * lab.draw.one_of(0.0, 1.0, 3.0), torch.zeros(width))
    yield from _unscaled(lab, task, spread, offset)


@failing("B6", BAD_DATA, "unscaled_features", "spikes", "the pixels are standardised")
def raw_pixels(lab: Lab) -> Iterator[Row]:
    """Images go into the network as bytes of 0 to 255."""
    task = lab.task("cnn")
    bits = lab.draw.one_of(255.0, 255.0, 4095.0, 65535.0)
    offset = torch.tensor(bits / 2 if lab.draw.maybe(0.7) else 0.0)
    yield from _unscaled(lab, task, torch.tensor(bits / 6), offset)


@failing("B6", BAD_DATA, "unscaled_features", "spikes", "the time is standardised")
def timestamp_among_the_features(lab: Lab) -> Iterator[Row]:
    """One feature is a time in seconds or milliseconds since 1970, the others are standardised."""
    task = lab.task("mlp_regression", "mlp_classification")
    width = task.inputs.shape[-1]
    unit = lab.draw.one_of(1.0, 1.0, 1e3, 1 / 86400)
    time = torch.arange(width) == lab.draw.integer(0, width - 1)
    spread = torch.where(time, lab.draw.uniform(1, 60) * 86400 * unit, 1.0)
    offset = torch.where(time, lab.draw.uniform(1.4e9, 1.75e9) * unit, 0.0)
    yield from _unscaled(lab, task, spread, offset)


# ---- index_out_of_range


@failing(
    "B10",
    BAD_DATA,
    "index_out_of_range",
    "crashes",
    "the embedding is as large as the vocabulary",
    console=True,
)
def token_beyond_vocabulary(lab: Lab) -> Iterator[Row]:
    """The tokenizer got special tokens for which the embedding has no rows."""
    task = lab.task("transformer")
    at, special = lab.middle(0.1, 0.9), task.classes + lab.draw.integer(0, 3)
    share = lab.draw.one_of(0.0, 0.3, 1.0)
    optimizer, loop = optimizer_for(lab, task), habits(lab)

    def spoil(x: Tensor, y: Tensor, row: int) -> None:
        x[row, 0] = special

    loop.batch = at_steps(lab, task, range(at, lab.steps), spoil, share)
    yield from crashing(lab, train(lab, task, optimizer, loop))


# ---- partial_last_batch


@failing("B13", BAD_DATA, "partial_last_batch", "nonfinite", "the partial batch is dropped")
def lone_sample_ends_epoch(lab: Lab) -> Iterator[Row]:
    """Each batch is whitened by its own deviation; the last of an epoch holds one sample."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder")
    refuse_batch_norm(task.model)
    batches = lone_last(lab, task)
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        x = (x - x.mean(0)) / (x.std(0) + 1e-6)
        return x, x if task.name == "autoencoder" else y

    loop.batch = batch
    yield from plain(lab, train_on(lab, task, optimizer, loop, batches))


class BatchScale(nn.Module):
    """A homemade batch normalisation without running statistics."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.shift = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = (x - x.mean(0)) / torch.sqrt(x.var(0) + 1e-5) * self.gain + self.shift
        return out


@failing("B13", BAD_DATA, "partial_last_batch", "nonfinite", "the partial batch is dropped")
def homemade_batch_norm_at_epoch_end(lab: Lab) -> Iterator[Row]:
    """A hidden layer is normalised by the unbiased variance of the batch; the last has one row."""
    task = lab.task("mlp_regression", "mlp_classification")
    batches = lone_last(lab, task)
    width = lab.draw.one_of(16, 32, 64)
    outputs = task.classes or 1
    task.model = nn.Sequential(
        nn.Linear(task.inputs.shape[1], width),
        BatchScale(width),
        lab.draw.one_of(nn.ReLU, nn.Tanh, nn.GELU)(),
        nn.Linear(width, outputs),
    )
    optimizer, loop = optimizer_for(lab, task), habits(lab)
    protect(lab, loop, optimizer, "none", "none", "scaler", "skip")
    yield from plain(lab, train_on(lab, task, optimizer, loop, batches))


@failing("B13", BAD_DATA, "partial_last_batch", "nonfinite", "the partial batch is dropped")
def spread_of_lone_embedding(lab: Lab) -> Iterator[Row]:
    """A variance term keeps embeddings apart (VICReg); at the epoch's end there is just one."""
    features, width = lab.draw.integer(8, 20), lab.draw.one_of(8, 16)
    centres = torch.randn(lab.draw.integer(4, 8), features)
    x = centres[torch.randint(len(centres), (1024,))] + 0.5 * torch.randn(1024, features)
    model = mlp(lab.draw, features, width)
    refuse_batch_norm(model)
    weight, target = lab.draw.uniform(1, 25), lab.draw.uniform(0.5, 2.0)
    views = torch.Generator().manual_seed(lab.draw.integer(0, 2**31))

    def loss(first: Tensor, second: Tensor) -> Tensor:
        alike = F.mse_loss(first, second)
        spread = F.relu(target - first.std(0)).mean() + F.relu(target - second.std(0)).mean()
        return alike + weight * spread

    rates = {kind: rate / 5 for kind, rate in SGD_AND_ADAM.items()}
    task = Task("siamese", model, x, x, loss, rates)
    lab.settings["model"] = "siamese"
    batches = lone_last(lab, task)
    optimizer, loop = optimizer_for(lab, task), habits(lab, validates=False)
    protect(lab, loop, optimizer, "none", "scaler", "skip")

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        noise = 0.3 * torch.randn(x.shape, generator=views)
        return x, model(x + noise)

    loop.batch = batch
    yield from plain(lab, train_on(lab, task, optimizer, loop, batches))
