"""C1 to C18, C21, A29 and D8: operations that are undefined or infinite where training gets."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.draw import Draw
from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import SGD_AND_ADAM, Task, mlp
from tests.faults.training import Batch, Loop, train

UNSTABLE = "unstable_loss"
UNDEFINED, OVERFLOW = "undefined_operation", "overflow_or_log_of_zero"
SATURATED = "saturated_probabilities"
INF = float("inf")


class Watch:
    """Trains, and tells the lab when training first meets the value that an operation fails at."""

    def __init__(self, lab: Lab, *, by_sample: bool = False) -> None:
        self.lab = lab
        self.by_sample = by_sample
        self.step = 0
        self.indices = torch.empty(0, dtype=torch.long)
        self.logs = lab.draw.maybe(0.5)
        self.notes: dict[str, float] = {}

    def __call__(self, bad: Tensor) -> None:
        """Enter if anything is bad; with `by_sample`, the first dimension of `bad` is the batch."""
        # validation, which nobody trains on, does not count
        if not torch.is_grad_enabled() or not bool(bad.any()):
            return
        samples: tuple[int, ...] = ()
        if self.by_sample:
            samples = tuple(self.indices[bad.reshape(len(bad), -1).any(1)].tolist())
        self.lab.enter(self.step, samples)

    def note(self, name: str, value: Tensor) -> None:
        """Log this series, if this author is one who logs it."""
        if self.logs and torch.is_grad_enabled():
            self.notes[name] = float(value.detach())

    def train(
        self, task: Task, optimizer: torch.optim.Optimizer, loop: Loop | None = None
    ) -> Iterator[Row]:
        """Train with habits that have nothing to do with the fault."""
        loop = loop or Loop()
        _add_habits(self.lab, task.model, loop)
        inner = loop.batch

        def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
            self.indices = indices
            return (x, y) if inner is None else inner(step, x, y, indices)

        loop.batch = batch
        loop.extra = self._noted
        for row in train(self.lab, task, optimizer, loop):
            if not math.isfinite(row.loss or 0.0):
                self._require_entrance()
            self.step = row.step + 1
            yield row
        self._require_entrance()

    def _require_entrance(self) -> None:
        """Give up a draw in which the value was never met, or in which something else broke."""
        if self.lab.entrance is None and not self.lab.repaired and self.lab.judged:
            self.lab.enter(max(0, self.step - 1))
            raise RuntimeError("the value was not met")

    def _noted(self, step: int) -> Mapping[str, float]:
        return dict(self.notes)


def _add_habits(lab: Lab, model: nn.Module, loop: Loop) -> None:
    """Clipping, a schedule, a loss scale, a guard: what one author has and another has not."""
    clip, scale = lab.draw.log_uniform(0.3, 30), 2.0 ** lab.draw.integer(4, 16)
    kind, warmup = lab.draw.integer(0, 9), lab.draw.uniform(0.02, 0.15)
    if lab.draw.maybe(0.4):
        loop.clip = clip
    if kind < 3:
        loop.schedule = lambda step: 0.5 + 0.5 * math.cos(math.pi * step / lab.steps)
    elif kind < 6:
        loop.schedule = lambda step: min(1.0, (step + 1) / (warmup * lab.steps))
    habit = lab.draw.uniform(0, 1)
    if habit < 0.12:
        loop.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    elif habit < 0.24:
        loop.before_step = lambda step: _skip_nonfinite(model)


def _skip_nonfinite(model: nn.Module) -> None:
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    if not all(bool(torch.isfinite(grad).all()) for grad in grads):
        for parameter in model.parameters():
            parameter.grad = None


class Around(nn.Module):
    """A network with hand-written arithmetic after it, or in place of its forward pass."""

    def __init__(self, forward: Callable[..., Tensor], *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.written = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.written(x, *self.parts)


def one_epoch(lab: Lab) -> int:
    """As many samples as the run sees about once: what is rare in them can come at any step."""
    return lab.batch_size * max(10, round(lab.steps * lab.draw.uniform(0.4, 1.1)))


def few_of(lab: Lab, size: int) -> Tensor:
    """One to four samples, none of them among those that are validated on."""
    return torch.tensor([lab.draw.integer(128, size - 1) for _ in range(lab.draw.integer(1, 4))])


def clusters(draw: Draw, size: int, classes: int, features: int) -> tuple[Tensor, Tensor]:
    """Points around class centres, and the classes."""
    y = torch.randint(classes, (size,))
    centres = torch.randn(classes, features) * draw.uniform(0.8, 1.8)
    return centres[y] + torch.randn(size, features), y


def curve(draw: Draw, size: int, features: int, outputs: int = 1) -> tuple[Tensor, Tensor]:
    """Inputs, and a smooth function of them between about -1 and 1, (size, outputs)."""
    x = torch.randn(size, features)
    directions = torch.randn(features, outputs) / features**0.5
    return x, torch.tanh(draw.uniform(0.8, 2) * x @ directions)


def amplitudes(draw: Draw, size: int) -> Tensor:
    """Heavy-tailed factors around 1, as loudness or counts have them, (size, 1)."""
    return torch.exp(draw.uniform(0.8, 1.2) * torch.randn(size, 1))


def unbounded(draw: Draw, inputs: int, outputs: int) -> nn.Sequential:
    """A perceptron whose outputs grow with its inputs."""
    width = draw.one_of(16, 32, 64)
    units = draw.one_of(nn.ReLU, nn.GELU, nn.SiLU, nn.LeakyReLU)
    hidden: list[nn.Module] = [nn.Linear(inputs, width), units()]
    if draw.maybe(0.4):
        hidden += [nn.Linear(width, width), units()]
    return nn.Sequential(*hidden, nn.Linear(width, outputs))


def flip_some(lab: Lab, y: Tensor, classes: int) -> Tensor:
    """Labels of which a small share is wrong."""
    wrong = torch.rand(len(y)) < lab.draw.log_uniform(0.002, 0.03)
    return torch.where(wrong, (y + torch.randint(1, classes, y.shape)) % classes, y)


def last_linear(body: nn.Module) -> nn.Linear:
    """The layer that gives a network's outputs."""
    return [module for module in body.modules() if isinstance(module, nn.Linear)][-1]


def raise_bias(body: nn.Module, by: float) -> None:
    """Start all outputs of a network `by` higher."""
    last = last_linear(body)
    with torch.no_grad():
        last.bias.add_(by)


def barely_alive(lab: Lab, body: nn.Module, x: Tensor) -> None:
    """Shift the outputs so that a ReLU leaves every one of some samples a unit, if only just."""
    with torch.no_grad():
        best = body(x[:200]).max(1).values
    raise_bias(body, float(best.std()) * lab.draw.uniform(0, 0.08) - float(best.min()))


def tuned(
    lab: Lab, task: Task, *kinds: str, low: float = 0.4, high: float = 2.5
) -> torch.optim.Optimizer:
    """An optimizer at about the sound rate."""
    return lab.optimizer(task, *kinds, factor=lab.draw.log_uniform(low, high))


def named(lab: Lab, task: Task) -> Task:
    """Log the task's name as the model's."""
    lab.settings["model"] = task.name
    return task


# --- undefined_operation: the loss itself turns NaN


@failing("C2", UNSTABLE, UNDEFINED, "nonfinite", "the entropy takes log(p + 1e-8)")
def entropy_of_masked_actions(lab: Lab) -> Iterator[Row]:
    """An entropy bonus -p·log p meets states with illegal actions, whose p is exactly 0."""
    watch = Watch(lab, by_sample=True)
    actions, features, size = lab.draw.integer(3, 8), lab.draw.integer(5, 16), one_epoch(lab)
    states, best = clusters(lab.draw, size, actions, features)
    legal = torch.ones(size, actions)
    for at in few_of(lab, size):
        legal[at, (best[at] + 1) % actions] = 0
    bonus, floor = lab.draw.log_uniform(0.003, 0.1), 1e-8 if lab.repaired else 0.0

    def policy(x: Tensor, body: nn.Module) -> Tensor:
        logits: Tensor = body(x[:, :features])
        return logits.masked_fill(x[:, features:] == 0, -INF)

    def loss(logits: Tensor, y: Tensor) -> Tensor:
        p = logits.softmax(1)
        watch(p == 0)
        entropy = -(p * torch.log(p + floor)).sum(1).mean()
        watch.note("entropy", entropy)
        return F.cross_entropy(logits, y) - bonus * entropy

    model = Around(policy, mlp(lab.draw, features, actions))
    x = torch.cat([states, legal], 1)
    task = named(lab, Task("policy", model, x, best, loss, SGD_AND_ADAM, classes=actions))
    yield from watch.train(task, tuned(lab, task))


@failing("C2", UNSTABLE, UNDEFINED, "nonfinite", "the entropy is taken from log_softmax")
def entropy_at_annealed_temperature(lab: Lab) -> Iterator[Row]:
    """A softmax gets sharper by a schedule, until a probability is 0 and p·log p undefined."""
    watch = Watch(lab)
    task = lab.task("mlp_classification", "cnn", "transformer")
    weight, end = lab.draw.log_uniform(0.01, 0.3), lab.draw.log_uniform(0.002, 0.03)
    linear = lab.draw.maybe(0.4)

    def loss(logits: Tensor, y: Tensor, step: int) -> Tensor:
        done = step / lab.steps
        temperature = 1 - done * (1 - end) if linear else end**done
        p = (logits / temperature).softmax(-1)
        watch(p == 0)
        log_p = (logits / temperature).log_softmax(-1) if lab.repaired else p.log()
        entropy = -(p * log_p).sum(-1).mean()
        watch.note("assignment_entropy", entropy)
        return task.loss(logits, y) + weight * entropy

    yield from watch.train(task, tuned(lab, task), Loop(loss=loss))


@failing("C5", UNSTABLE, UNDEFINED, "nonfinite", "F.normalize with eps=1e-6")
def normalised_dead_features(lab: Lab) -> Iterator[Row]:
    """Features after a ReLU are divided by their length, until all are dead for a sample."""
    watch = Watch(lab)
    classes, features = lab.draw.integer(3, 8), lab.draw.integer(5, 16)
    x, y = clusters(lab.draw, one_epoch(lab), classes, features)
    code, sharpness = lab.draw.integer(6, 16), lab.draw.uniform(4, 16)
    body, prototypes = mlp(lab.draw, features, code), nn.Linear(code, classes, bias=False)
    barely_alive(lab, body, x)

    def forward(x: Tensor, body: nn.Module, prototypes: nn.Module) -> Tensor:
        h = F.relu(body(x))
        length = h.norm(dim=1, keepdim=True)
        watch(length == 0)
        watch.note("feature_norm_min", length.min())
        unit = F.normalize(h, eps=1e-6) if lab.repaired else h / length
        scores: Tensor = sharpness * prototypes(unit)
        return scores

    model = Around(forward, body, prototypes)
    task = named(lab, Task("embedding", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task))


@failing("C18", UNSTABLE, UNDEFINED, "nonfinite", "1e-5 is added to the deviation")
def standardised_blank_sample(lab: Lab) -> Iterator[Row]:
    """Each sample is divided by its own deviation, and a crop of mere background has none."""
    watch = Watch(lab, by_sample=True)
    task = lab.task("cnn", "rnn", "mlp_classification")
    at, level = lab.middle(0.05, 0.9), lab.draw.one_of(0.0, 0.0, 1.0, lab.draw.uniform(-2, 2))
    place, eps = lab.draw.integer(0, lab.batch_size - 1), 1e-5 if lab.repaired else 0.0
    every = lab.draw.one_of(10**6, lab.draw.integer(5, 60))

    def crop(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        if step < at or (step - at) % every:
            return x, y
        x = x.clone()
        x[place] = level
        return x, y

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        flat = x.flatten(1)
        centred = flat - flat.mean(1, keepdim=True)
        deviation = centred.pow(2).mean(1, keepdim=True).sqrt()
        watch(deviation == 0)
        out: Tensor = body((centred / (deviation + eps)).view_as(x))
        return out

    task.model = Around(forward, task.model)
    yield from watch.train(task, tuned(lab, task), Loop(batch=crop))


@failing("C6", UNSTABLE, UNDEFINED, "nonfinite", "the prediction is clamped to at least 1e-3")
def power_of_negative_prediction(lab: Lab) -> Iterator[Row]:
    """A loss on compressed values takes a fractional power of predictions, and one crosses 0."""
    watch = Watch(lab)
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(3, 12))
    y = (1 + lab.draw.uniform(0.75, 0.97) * y) * lab.draw.log_uniform(0.7, 2)
    exponent = lab.draw.one_of(0.5, 1 / 3, 0.45, lab.draw.uniform(0.2, 0.8))
    body = mlp(lab.draw, x.shape[1], 1)
    raise_bias(body, lab.draw.uniform(1.5, 4))

    def loss(out: Tensor, y: Tensor) -> Tensor:
        watch(out < 0)
        watch.note("prediction_min", out.min())
        mean = out.clamp_min(1e-3) if lab.repaired else out
        return F.mse_loss(mean**exponent, y**exponent)

    task = named(lab, Task("mlp_regression", body, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C6", UNSTABLE, UNDEFINED, "nonfinite", "a softplus keeps the rate positive")
def log_of_negative_rate(lab: Lab) -> Iterator[Row]:
    """A Poisson likelihood with an identity link takes the logarithm of a negative rate."""
    watch = Watch(lab)
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(3, 12))
    y = torch.poisson(torch.exp(lab.draw.uniform(0.7, 1.6) * y + lab.draw.uniform(-0.5, 1)))
    body = mlp(lab.draw, x.shape[1], 1)
    raise_bias(body, lab.draw.uniform(2, 5))

    def loss(out: Tensor, y: Tensor) -> Tensor:
        watch(out < 0)
        rate = F.softplus(out) + 1e-4 if lab.repaired else out
        watch.note("rate_min", rate.min())
        return (rate - y * torch.log(rate)).mean()

    rates = SGD_AND_ADAM | {"sgd": 0.02, "momentum": 0.003}
    task = named(lab, Task("count_regression", body, x, y, loss, rates, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C10", UNSTABLE, UNDEFINED, "nonfinite", "padding is filled with the smallest float")
def attention_over_padding_only(lab: Lab) -> Iterator[Row]:
    """Hand-written attention fills padding with -inf, and one sequence is padding only."""
    watch = Watch(lab, by_sample=True)
    time, features, width = lab.draw.integer(5, 12), lab.draw.integer(2, 6), lab.draw.one_of(8, 16)
    size, classes = one_epoch(lab), lab.draw.integer(2, 6)
    lengths = torch.randint(1, time + 1, (size,))
    lengths[few_of(lab, size)] = 0
    y = torch.randint(classes, (size,))
    x = torch.randn(classes, features)[y][:, None] + torch.randn(size, time, features)
    valid = (torch.arange(time) < lengths[:, None]).float()
    x = torch.cat([x * valid[..., None], valid[..., None]], 2)
    filling = torch.finfo(torch.float32).min if lab.repaired else -INF

    def forward(x: Tensor, embed: nn.Module, qkv: nn.Module, head: nn.Module) -> Tensor:
        valid = x[..., -1] > 0
        watch(~valid.any(1))
        h = embed(x[..., :-1])
        q, k, v = qkv(h).chunk(3, dim=-1)
        scores = (q @ k.transpose(1, 2) / width**0.5).masked_fill(~valid[:, None], filling)
        mixed = h + scores.softmax(-1) @ v
        pooled = (mixed * valid[..., None]).sum(1) / valid.sum(1, keepdim=True).clamp_min(1)
        logits: Tensor = head(pooled)
        return logits

    parts = nn.Linear(features, width), nn.Linear(width, 3 * width), nn.Linear(width, classes)
    model = Around(forward, *parts)
    task = named(lab, Task("attention", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task))


@failing("C15", UNSTABLE, UNDEFINED, "nonfinite", "the count is at least 1")
def mean_over_empty_set(lab: Lab) -> Iterator[Row]:
    """Elements of a set are dropped at random and the rest averaged, until none is left: 0/0."""
    watch = Watch(lab)
    count, features, size = lab.draw.integer(4, 10), lab.draw.integer(3, 8), one_epoch(lab)
    code = lab.draw.one_of(8, 16, 32)
    x = torch.randn(size, 1, features) + 0.5 * torch.randn(size, count, features)
    y = torch.tanh(2 * x.mean(1) @ torch.randn(features, 1) / features**0.5)
    expected = lab.steps * lab.draw.uniform(0.1, 0.9)
    dropped = (1 / (expected * lab.batch_size)) ** (1 / count)

    def forward(x: Tensor, element: nn.Module, head: nn.Module) -> Tensor:
        kept = (torch.rand(x.shape[:2]) > dropped).float()
        left = kept.sum(1, keepdim=True)
        watch(left == 0)
        watch.note("kept_fraction", kept.mean())
        total = (element(x) * kept[..., None]).sum(1)
        out: Tensor = head(total / (left.clamp_min(1) if lab.repaired else left))
        return out

    element = nn.Sequential(nn.Linear(features, code), lab.draw.one_of(nn.ReLU, nn.Tanh, nn.GELU)())
    model = Around(forward, element, mlp(lab.draw, code, 1, 1))
    task = named(lab, Task("deep_sets", model, x, y, F.mse_loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C15", UNSTABLE, UNDEFINED, "nonfinite", "the number of masked places is at least 1")
def masked_modelling_without_masks(lab: Lab) -> Iterator[Row]:
    """The mean error over randomly masked places, in a batch in which chance masked none."""
    watch = Watch(lab)
    time, latent = lab.draw.integer(6, 16), lab.draw.integer(2, 4)
    x = torch.tanh(torch.randn(one_epoch(lab), latent) @ torch.randn(latent, time))
    expected = lab.steps * lab.draw.uniform(0.1, 0.9)
    # masked places come in whole rows, as spans or patches do
    rate = 1 - (1 / expected) ** (1 / lab.batch_size)
    masked = torch.empty(0)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        nonlocal masked
        places = torch.rand(x.shape) < 0.3
        masked = places & (torch.rand(len(x), 1) < rate)
        out: Tensor = body(torch.where(masked, 0.0, x))
        return out

    def loss(out: Tensor, y: Tensor) -> Tensor:
        count = masked.sum()
        watch(count == 0)
        watch.note("masked", count)
        total = ((out - y) ** 2 * masked).sum()
        return total / (count.clamp_min(1) if lab.repaired else count)

    model = Around(forward, mlp(lab.draw, time, time))
    task = named(lab, Task("masked_autoencoder", model, x, x, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C16", UNSTABLE, UNDEFINED, "nonfinite", "the variance is the biased one")
def deviation_of_single_member(lab: Lab) -> Iterator[Row]:
    """Features are standardised within each domain of a batch, and one has a single member."""
    watch = Watch(lab, by_sample=True)
    domains, features, size = lab.draw.integer(2, 4), lab.draw.integer(4, 12), one_epoch(lab)
    classes = lab.draw.integer(2, 6)
    x, y = clusters(lab.draw, size, classes, features)
    expected = lab.steps * lab.draw.uniform(0.1, 0.8) * lab.batch_size
    domain = torch.randint(domains, (size,))
    domain[torch.rand(size) < 1 / expected] = domains
    x = torch.cat([x + torch.randn(domains + 1, features)[domain], domain[:, None].float()], 1)

    def forward(x: Tensor, embed: nn.Module, head: nn.Module) -> Tensor:
        h = embed(x[:, :-1])
        out = torch.zeros_like(h)
        for at in range(domains + 1):
            members = x[:, -1] == at
            if not members.any():
                continue
            watch(members & (members.sum() == 1))
            group = h[members]
            centred = group - group.mean(0)
            variance = (centred**2).sum(0) / (len(group) - (0 if lab.repaired else 1))
            out[members] = centred / torch.sqrt(variance + 1e-5)
        logits: Tensor = head(out)
        return logits

    width = lab.draw.one_of(16, 32)
    model = Around(forward, nn.Linear(features, width), mlp(lab.draw, width, classes, 1))
    task = named(lab, Task("domain_norm", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task))


@failing("C17", UNSTABLE, UNDEFINED, "nonfinite", "the variance is the mean of squared differences")
def variance_as_difference_of_squares(lab: Lab) -> Iterator[Row]:
    """A norm layer takes the variance as E[x²] - E[x]², which rounds below 0 for a quiet sample."""
    watch = Watch(lab, by_sample=True)
    classes, features, size = lab.draw.integer(2, 6), lab.draw.integer(8, 24), one_epoch(lab)
    x, y = clusters(lab.draw, size, classes, features)
    # raw units, as in kelvin or hectopascal
    x = x * lab.draw.log_uniform(1, 10) + lab.draw.log_uniform(100, 1500)
    quiet = torch.randint(128, size, (lab.draw.integer(2, 12),))
    x[quiet] = x[quiet, :1] + 1e-3 * torch.randn(len(quiet), features)
    eps = lab.draw.one_of(1e-5, 1e-6, 1e-8)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        mean = x.mean(1, keepdim=True)
        rough = (x * x).mean(1, keepdim=True) - mean**2
        watch(rough + eps < 0)
        fine = (x - mean).pow(2).mean(1, keepdim=True)
        out: Tensor = body((x - mean) / torch.sqrt((fine if lab.repaired else rough) + eps))
        return out

    model = Around(forward, mlp(lab.draw, features, classes))
    task = named(lab, Task("mlp_classification", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task))


@failing("C18", UNSTABLE, UNDEFINED, "nonfinite", "the norm layer has an eps of 1e-5")
def layer_norm_without_epsilon(lab: Lab) -> Iterator[Row]:
    """A hand-written layer norm after a ReLU divides by 0 once all units of a row are dead."""
    watch = Watch(lab)
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(4, 12), lab.draw.integer(1, 3))
    width = lab.draw.integer(3, 10)
    body, head = mlp(lab.draw, x.shape[1], width, 1), mlp(lab.draw, width, y.shape[1], 1)
    barely_alive(lab, body, x)
    eps = 1e-5 if lab.repaired else 0.0

    def forward(x: Tensor, body: nn.Module, head: nn.Module) -> Tensor:
        h = F.relu(body(x))
        centred = h - h.mean(1, keepdim=True)
        variance = centred.pow(2).mean(1, keepdim=True)
        watch(variance == 0)
        out: Tensor = head(centred / torch.sqrt(variance + eps))
        return out

    model = Around(forward, body, head)
    task = named(lab, Task("mlp_regression", model, x, y, F.mse_loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C15", UNSTABLE, UNDEFINED, "nonfinite", "an area counts as at least 1")
def dice_of_absent_class(lab: Lab) -> Iterator[Row]:
    """A generalised dice loss weighs classes by 1/area², and a batch lacks the rare class."""
    watch = Watch(lab)
    classes, size = lab.draw.integer(2, 4), one_epoch(lab)
    expected = lab.steps * lab.draw.uniform(0.1, 0.9)
    share = 1 - (1 / expected) ** (1 / lab.batch_size)
    y = (
        torch.randint(classes - 1, (size, 1, 1)).repeat(1, 6, 6)
        if classes > 2
        else (torch.zeros(size, 6, 6, dtype=torch.long))
    )
    rare = torch.rand(size) < share
    for corner, at in zip(torch.randint(3, (size, 2)).tolist(), range(size), strict=True):
        if rare[at]:
            y[at, corner[0] : corner[0] + 3, corner[1] : corner[1] + 3] = classes - 1
    x = torch.randn(classes)[y][:, None] * 2 + 0.5 * torch.randn(size, 1, 6, 6)
    channels = lab.draw.one_of(6, 8, 12)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, classes, 3, padding=1)
    )
    ratio = lab.draw.one_of(0.3, 1.0, 1.0)

    def loss(logits: Tensor, y: Tensor) -> Tensor:
        p, truth = logits.softmax(1), F.one_hot(y, classes).permute(0, 3, 1, 2).float()
        area = truth.sum((0, 2, 3))
        watch(area == 0)
        weight = 1 / (area.clamp_min(1) if lab.repaired else area) ** 2
        overlap = (weight * (p * truth).sum((0, 2, 3))).sum()
        union = (weight * (p + truth).sum((0, 2, 3))).sum()
        dice = 1 - 2 * overlap / union
        watch.note("dice", 1 - dice)
        return ratio * dice + F.cross_entropy(logits, y)

    task = named(lab, Task("segmentation", model, x, y, loss, SGD_AND_ADAM, classes=classes))
    yield from watch.train(task, tuned(lab, task))


@failing("A29", UNSTABLE, UNDEFINED, "nonfinite", "the signal-to-noise ratio is at least 1e-6")
def loss_weight_at_zero_snr(lab: Lab) -> Iterator[Row]:
    """A diffusion loss is weighted by min(snr, γ)/snr, which is 0/0 at the last time step."""
    watch = Watch(lab)
    data, _ = clusters(lab.draw, one_epoch(lab), lab.draw.integer(2, 6), lab.draw.integer(2, 8))
    data = data / data.std()
    times = round(lab.batch_size * lab.steps * lab.draw.uniform(0.1, 0.8))
    signal = torch.cos(torch.linspace(0.05, 1, times) * torch.pi / 2).clamp_min(0)
    # rescaled so that the last step is pure noise
    signal = (signal - signal[-1]) / (signal[0] - signal[-1]) * signal[0]
    gamma, features = lab.draw.one_of(1.0, 5.0, 5.0, 20.0), data.shape[1]
    weight, aim = torch.empty(0), torch.empty(0)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        nonlocal weight, aim
        t = torch.randint(times, (len(x), 1))
        alpha, aim = signal[t], torch.randn(x.shape)
        sigma2 = 1 - alpha**2
        snr = alpha**2 / sigma2
        watch(snr == 0)
        snr = snr.clamp_min(1e-6) if lab.repaired else snr
        weight = snr.clamp_max(gamma) / snr
        watch.note("timestep_max", t.max())
        out: Tensor = body(torch.cat([alpha * x + sigma2.sqrt() * aim, t / times], 1))
        return out

    def loss(out: Tensor, y: Tensor) -> Tensor:
        return (weight * (out - aim) ** 2).mean()

    model = Around(forward, mlp(lab.draw, features + 1, features))
    task = named(lab, Task("diffusion", model, data, data, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


# --- overflow_or_log_of_zero: the loss is +inf first


@failing("C1", UNSTABLE, OVERFLOW, "nonfinite", "logsigmoid of the logit")
def focal_loss_of_saturated_sigmoid(lab: Lab) -> Iterator[Row]:
    """A focal loss takes the logarithm of 1 - sigmoid(z), which is 0 for a sure, wrong z > 17."""
    watch = Watch(lab)
    size = one_epoch(lab)
    x, y = clusters(lab.draw, size, 2, lab.draw.integer(4, 12))
    x, y = x * amplitudes(lab.draw, size), flip_some(lab, y, 2)[:, None].float()
    gamma = lab.draw.one_of(0.0, 1.0, 2.0, 2.0)

    def loss(z: Tensor, y: Tensor) -> Tensor:
        p = torch.sigmoid(z)
        p_true = torch.where(y > 0.5, p, 1 - p)
        watch(p_true == 0)
        watch.note("prob_max", p.max())
        log_p = F.logsigmoid(torch.where(y > 0.5, z, -z)) if lab.repaired else p_true.log()
        return (-((1 - p_true) ** gamma) * log_p).mean()

    body = unbounded(lab.draw, x.shape[1], 1)
    task = named(lab, Task("mlp_classification", body, x, y, loss, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task, low=2, high=10))


@failing("C1", UNSTABLE, OVERFLOW, "nonfinite", "log_softmax of the scores")
def log_of_softmax_of_scaled_cosine(lab: Lab) -> Iterator[Row]:
    """A softmax over sharp cosines is 0 for a sure and wrong sample, and its logarithm infinite."""
    watch = Watch(lab)
    size, classes = one_epoch(lab), lab.draw.integer(2, 4)
    x, y = clusters(lab.draw, size, classes, lab.draw.integer(4, 16))
    code, near = lab.draw.integer(4, 16), lab.draw.uniform(1.1, 1.5)
    at, share = lab.middle(0.2, 0.7), lab.draw.log_uniform(0.01, 0.1)

    def annotate(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        # from a later annotator
        wrong = (torch.rand(len(y)) < share) & (step >= at)
        return x, torch.where(wrong, (y + 1) % classes, y)

    body, prototypes = mlp(lab.draw, x.shape[1], code), nn.Linear(code, classes, bias=False)

    def forward(x: Tensor, body: nn.Module, prototypes: nn.Linear) -> Tensor:
        unit = F.normalize(body(x), eps=1e-6)
        return unit @ F.normalize(prototypes.weight, eps=1e-6).T

    model = Around(forward, body, prototypes)
    with torch.no_grad():
        cosine = model(x[:1000])
        widest = float((cosine.max(1).values - cosine.gather(1, y[:1000, None])[:, 0]).max())
    # most samples of an untrained model are not yet that sure
    sharpness = 104 * near / widest

    def loss(cosine: Tensor, y: Tensor) -> Tensor:
        scores = sharpness * cosine
        p = scores.softmax(1).gather(1, y[:, None])
        watch(p == 0)
        watch.note("target_prob_min", p.min())
        if lab.repaired:
            return F.cross_entropy(scores, y)
        return -p.log().mean()

    rates = {"sgd": 0.003, "momentum": 5e-4, "adam": 2e-3, "adamw": 2e-3}
    task = named(lab, Task("cosine_classifier", model, x, y, loss, rates))
    yield from watch.train(task, tuned(lab, task), Loop(batch=annotate))


def growing_levels(lab: Lab) -> tuple[Tensor, Tensor, nn.Module, float, float]:
    """Inputs, levels of which some exceed 88.7 = log(max float), a model, mean and spread."""
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(3, 12))
    mean, reach = lab.draw.uniform(30, 80), lab.draw.uniform(0.4, 0.85)
    spread = (88.7 - mean) / reach
    body = mlp(lab.draw, x.shape[1], 1)
    return x, mean + spread * y, Around(lambda x, body: mean + spread * body(x), body), mean, spread


@failing("C9", UNSTABLE, OVERFLOW, "nonfinite", "F.softplus")
def softplus_by_hand(lab: Lab) -> Iterator[Row]:
    """log(1 + exp(x)) overflows as the predictions rightly grow towards targets around 90."""
    watch = Watch(lab)
    x, y, model, _, spread = growing_levels(lab)

    def loss(z: Tensor, y: Tensor) -> Tensor:
        watch(z.exp() == INF)
        watch.note("prediction_max", z.max())
        level = F.softplus(z) if lab.repaired else torch.log(1 + torch.exp(z))
        return F.mse_loss(level / spread, y / spread)

    task = named(lab, Task("level_regression", model, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C9", UNSTABLE, OVERFLOW, "nonfinite", "torch.logsumexp")
def contrastive_logsumexp_by_hand(lab: Lab) -> Iterator[Row]:
    """InfoNCE by log(sum(exp(cosine/τ))) at τ near 0.01 overflows once views align well enough."""
    watch = Watch(lab)
    signal, noise = lab.draw.integer(3, 8), lab.draw.integer(4, 12)
    size = one_epoch(lab)
    x = torch.randn(size, signal)
    way, code = lab.draw.uniform(0.4, 0.95), lab.draw.one_of(8, 16, 32)
    loud = lab.draw.uniform(1, 2.5)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        nuisance = loud * torch.randn(2 * len(x), noise)
        both = body(torch.cat([torch.cat([x, x]), nuisance], 1))
        first, second = F.normalize(both, eps=1e-6).chunk(2)
        return first @ second.T

    model = Around(forward, mlp(lab.draw, signal + noise, code))
    with torch.no_grad():
        similar = float(model(x[:512]).diagonal().max())
    # the scores overflow on the way from the similarity at the start to perfect alignment
    temperature = (similar + way * (1 - similar)) / 88.72

    def loss(cosine: Tensor, y: Tensor) -> Tensor:
        scores = cosine / temperature
        watch(scores.exp() == INF)
        watch.note("similarity_max", cosine.max())
        total = scores.logsumexp(1) if lab.repaired else scores.exp().sum(1).log()
        return (total - scores.diagonal()).mean()

    rates = {"sgd": 0.005, "momentum": 1e-3, "adam": 2e-3, "adamw": 2e-3}
    task = named(lab, Task("contrastive", model, x, x, loss, rates))
    yield from watch.train(task, tuned(lab, task))


@failing("C1", UNSTABLE, OVERFLOW, "nonfinite", "logsumexp of the components' log-densities")
def mixture_density_underflow(lab: Lab) -> Iterator[Row]:
    """A mixture's densities all underflow for a far target as the widths shrink: log(0)."""
    watch = Watch(lab)
    features, parts, size = lab.draw.integer(2, 8), lab.draw.integer(1, 4), one_epoch(lab)
    x, y = curve(lab.draw, size, features)
    y = y + lab.draw.log_uniform(0.02, 0.1) * torch.randn(size, 1)
    far = torch.rand(size) < 1 / (lab.batch_size * lab.draw.log_uniform(4, 60))
    y[far] += lab.draw.uniform(1, 4) * torch.randn(int(far.sum()), 1).sign()
    y = y * lab.draw.one_of(1.0, -1.0)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        logits, mean, log_width = out.chunk(3, dim=1)
        log_width = log_width.clamp(-4, 4)
        log_each = -0.5 * ((y - mean) / log_width.exp()) ** 2 - log_width - 0.919
        density = (logits.softmax(1) * log_each.exp()).sum(1)
        watch(density == 0)
        watch.note("sigma_min", log_width.min().exp())
        if lab.repaired:
            return -(logits.log_softmax(1) + log_each).logsumexp(1).mean()
        return -density.log().mean()

    body = mlp(lab.draw, features, 3 * parts)
    rates = {"sgd": 0.01, "momentum": 2e-3, "adam": 5e-3, "adamw": 5e-3}
    task = named(lab, Task("mixture_density", body, x, y, loss, rates, True))
    yield from watch.train(task, tuned(lab, task, "momentum", "adam", "adamw"))


@failing("D8", UNSTABLE, OVERFLOW, "nonfinite", "logsigmoid in single precision")
def half_precision_epsilon(lab: Lab) -> Iterator[Row]:
    """log(1 - p + 1e-8) under fp16 autocast, where 1e-8 is 0 and a sigmoid is 1 from 8 on."""
    watch = Watch(lab)
    size, outputs = one_epoch(lab), lab.draw.one_of(1, 1, 3, 6)
    x, y = curve(lab.draw, size, lab.draw.integer(4, 12), outputs)
    y = (y > lab.draw.uniform(-0.9, -0.5)).float()
    y = torch.where(torch.rand(y.shape) < lab.draw.log_uniform(0.02, 0.08), 1 - y, y)
    x = x * amplitudes(lab.draw, size).clamp_max(10)
    eps = lab.draw.one_of(1e-8, 1e-8, 1e-9, 1e-12)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        z: Tensor = body(x)
        p = torch.sigmoid(z)
        watch.note("prob_max", p.max())
        if lab.repaired:
            return torch.stack([F.logsigmoid(-z.float()), F.logsigmoid(z.float())])
        return torch.log(torch.stack([1 - p, p]) + eps)

    def loss(log_p: Tensor, y: Tensor) -> Tensor:
        picked = torch.where(y > 0.5, log_p[1], log_p[0])
        watch(picked == -INF)
        return -picked.mean()

    body = unbounded(lab.draw, x.shape[1], outputs)
    # most labels are positive, and the bias starts at their log-odds
    raise_bias(body, lab.draw.uniform(4, 6.5))
    task = named(lab, Task("multi_label", Around(forward, body), x, y, loss, SGD_AND_ADAM))
    optimizer = tuned(lab, task, low=1, high=10)
    yield from watch.train(task, optimizer, Loop(precision=torch.float16))


@failing("C21", UNSTABLE, OVERFLOW, "nonfinite", "the uniform number is at least 1e-6")
def gumbel_noise_of_zero_uniform(lab: Lab) -> Iterator[Row]:
    """Gumbel noise -log(-log u) is -inf when the generator, which has few bits, gives u = 0."""
    watch = Watch(lab)
    task = lab.task("mlp_classification", "cnn")
    size = lab.batch_size * task.classes
    levels = round(lab.steps * lab.draw.uniform(0.05, 0.6) * lab.batch_size)
    least, strength = 1e-6 if lab.repaired else 0.0, lab.draw.uniform(0.1, 1)

    def loss(logits: Tensor, y: Tensor, step: int) -> Tensor:
        u = (torch.randint(levels, (size,)) / levels).clamp_min(least).view_as(logits)
        watch(u.gather(1, y[:, None]) == 0)
        noise = -torch.log(-torch.log(u))
        return F.cross_entropy(logits + strength * noise, y)

    yield from watch.train(task, tuned(lab, task), Loop(loss=loss))


@failing("C14", UNSTABLE, OVERFLOW, "nonfinite", "log_softmax of the student's scores")
def divergence_from_vanishing_student(lab: Lab) -> Iterator[Row]:
    """Distillation takes log(softmax) of a student that gives an unusual input a p of 0."""
    watch = Watch(lab)
    classes, features, size = lab.draw.integer(3, 8), lab.draw.integer(4, 12), one_epoch(lab)
    unit, _ = clusters(lab.draw, size, classes, features)
    teacher = lab.draw.uniform(0.5, 1.5) * torch.tanh(unit) @ torch.randn(features, classes)
    x, y = unit * amplitudes(lab.draw, size), teacher.softmax(1)
    temperature = lab.draw.uniform(0.06, 0.2)

    def loss(scores: Tensor, p: Tensor) -> Tensor:
        q = (scores / temperature).softmax(1)
        watch(q == 0)
        watch.note("student_prob_min", q.min())
        log_q = (scores / temperature).log_softmax(1) if lab.repaired else q.log()
        return (p * (p.log() - log_q)).sum(1).mean()

    body = unbounded(lab.draw, features, classes)
    rates = {"sgd": 2e-3, "momentum": 3e-4, "adam": 2e-3, "adamw": 2e-3}
    task = named(lab, Task("student", body, x, y, loss, rates))
    yield from watch.train(task, tuned(lab, task))


@failing("C8", UNSTABLE, OVERFLOW, "nonfinite", "actions are clamped to ±0.9999")
def atanh_of_clipped_action(lab: Lab) -> Iterator[Row]:
    """Cloning squashed actions by atanh(a) meets a recorded action at the very bound."""
    watch = Watch(lab, by_sample=True)
    features, outputs, size = lab.draw.integer(4, 12), lab.draw.integer(1, 4), one_epoch(lab)
    x, y = curve(lab.draw, size, features, outputs)
    y = torch.tanh(lab.draw.uniform(0.8, 2) * y + 0.1 * torch.randn(size, outputs))
    for at in few_of(lab, size):
        y[at, 0] = y[at, 0].sign()
    bound = 0.9999 if lab.repaired else 1.0
    gaussian = lab.draw.maybe(0.5)
    spread = lab.draw.uniform(0.3, 1) if gaussian else 1.0

    def loss(out: Tensor, action: Tensor) -> Tensor:
        watch(action.abs() == 1)
        raw = torch.atanh(action.clamp(-bound, bound))
        return (((out - raw) / spread) ** 2).mean() * (0.5 if gaussian else 1.0)

    body = mlp(lab.draw, features, outputs)
    rates = SGD_AND_ADAM if not gaussian else SGD_AND_ADAM | {"sgd": 0.02, "momentum": 0.003}
    task = named(lab, Task("behaviour_cloning", body, x, y, loss, rates, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C8", UNSTABLE, OVERFLOW, "nonfinite", "the Jacobian is 2·(log 2 - u - softplus(-2u))")
def squashed_policy_log_jacobian(lab: Lab) -> Iterator[Row]:
    """A squashed policy takes log(1 - tanh(u)²), which is log(0) once an action saturates."""
    watch = Watch(lab)
    features, outputs, size = lab.draw.integer(4, 12), lab.draw.integer(1, 4), one_epoch(lab)
    x = torch.randn(size, features)
    y = torch.tanh(3 * x @ torch.randn(features, outputs))
    x = x * amplitudes(lab.draw, size)
    alpha = lab.draw.log_uniform(1e-4, 0.02)

    def loss(out: Tensor, best: Tensor) -> Tensor:
        mean, log_width = out.chunk(2, dim=1)
        log_width = log_width.clamp(-3, 1)
        noise = torch.randn(mean.shape)
        u = mean + log_width.exp() * noise
        action = torch.tanh(u)
        watch(action.abs() == 1)
        watch.note("action_abs_max", action.abs().max())
        jacobian = 2 * (math.log(2) - u - F.softplus(-2 * u))
        jacobian = jacobian if lab.repaired else torch.log(1 - action**2)
        log_p = (-0.5 * noise**2 - log_width - 0.919 - jacobian).sum(1).mean()
        watch.note("entropy", -log_p)
        return alpha * log_p + ((action - best) ** 2).sum(1).mean()

    body = unbounded(lab.draw, features, 2 * outputs)
    task = named(lab, Task("policy", body, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task, low=0.5, high=5))


@failing("C9", UNSTABLE, OVERFLOW, "nonfinite", "the disparity is at least 0.05")
def inverse_of_dead_disparity(lab: Lab) -> Iterator[Row]:
    """Depth is 1/disparity, and the disparity comes out of a ReLU that gives a sample 0."""
    watch = Watch(lab)
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(3, 12), lab.draw.one_of(1, 1, 4))
    y = 1 / (1 + lab.draw.uniform(0.5, 0.85) * y)
    body = mlp(lab.draw, x.shape[1], y.shape[1])
    raise_bias(body, lab.draw.uniform(1.2, 3))
    distance = lab.draw.one_of(F.l1_loss, F.smooth_l1_loss)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        disparity = F.relu(body(x))
        watch(disparity == 0)
        watch.note("disparity_min", disparity.min())
        return 1 / (disparity.clamp_min(0.05) if lab.repaired else disparity)

    model = Around(forward, body)
    task = named(lab, Task("depth", model, x, y, distance, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C9", UNSTABLE, OVERFLOW, "nonfinite", "the error is divided by at least 0.1")
def percentage_error_of_zero_target(lab: Lab) -> Iterator[Row]:
    """A relative error divides by the true demand, which is 0 on a day when the shop was closed."""
    watch = Watch(lab, by_sample=True)
    size = one_epoch(lab)
    x, y = curve(lab.draw, size, lab.draw.integer(3, 12), lab.draw.one_of(1, 1, 3))
    y = torch.exp(lab.draw.uniform(0.3, 0.8) * y)
    y[few_of(lab, size)] = 0
    least, squared = 0.1 if lab.repaired else 0.0, lab.draw.maybe(0.4)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        watch(y == 0)
        error = (out - y).abs() / y.clamp_min(least)
        return (error**2 if squared else error).mean()

    body = mlp(lab.draw, x.shape[1], y.shape[1])
    task = named(lab, Task("forecast", body, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


# --- saturated_probabilities: a wrong label costs 100 and has no gradient


def sharp(body: nn.Module, gain: float) -> nn.Module:
    """A network with small outputs at the start, times a gain: it gets very sure very soon."""
    last = last_linear(body)
    with torch.no_grad():
        last.weight.mul_(0.1)
        last.bias.mul_(0.1)
    return Around(lambda x, body: gain * body(x), body)


def saturating_loss(lab: Lab, watch: Watch) -> Callable[[Tensor, Tensor], Tensor]:
    """Binary cross-entropy after a sigmoid; from logits when repaired."""

    def loss(z: Tensor, y: Tensor) -> Tensor:
        p = torch.sigmoid(z)
        watch((p == 1) & (y == 0))
        watch.note("prob_max", p.max())
        return (
            F.binary_cross_entropy_with_logits(z, y)
            if lab.repaired
            else F.binary_cross_entropy(p, y)
        )

    return loss


@failing("C12", UNSTABLE, SATURATED, "spikes", "binary_cross_entropy_with_logits")
def sigmoid_saturated_by_wrong_labels(lab: Lab) -> Iterator[Row]:
    """A sure classifier has p = 1 after the sigmoid, and each wrong label costs 100 for nothing."""
    watch = Watch(lab)
    lab.batch_size = lab.draw.one_of(8, 16, 32)
    lab.settings["batch_size"] = lab.batch_size
    size, features, share = one_epoch(lab), lab.draw.integer(4, 12), lab.draw.log_uniform(0.01, 0.1)
    centre, gain, at = torch.randn(features), lab.draw.log_uniform(60, 150), lab.middle(0.2, 0.8)
    centre = 2 * centre / centre.norm()
    y = torch.randint(2, (size, 1)).float()
    x = (2 * y - 1) * centre + lab.draw.uniform(0.2, 0.6) * torch.randn(size, features)

    def annotate(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        # from a later annotator
        wrong = torch.rand(y.shape) < share
        return x, torch.where(wrong, 1 - y, y) if step >= at else y

    model = sharp(unbounded(lab.draw, features, 1), gain)
    task = Task("mlp_classification", model, x, y, saturating_loss(lab, watch), SGD_AND_ADAM)
    optimizer = tuned(lab, task, "adam", "adamw", low=2, high=6)
    yield from watch.train(named(lab, task), optimizer, Loop(batch=annotate))


@failing("C12", UNSTABLE, SATURATED, "diverges", "binary_cross_entropy_with_logits")
def sigmoid_saturated_from_the_start(lab: Lab) -> Iterator[Row]:
    """The last layer starts so large that the sigmoid is 1 for negatives, which get no gradient."""
    watch = Watch(lab)
    outputs, size = lab.draw.one_of(1, 1, 4, 10), one_epoch(lab)
    x, y = curve(lab.draw, size, lab.draw.integer(4, 12), outputs)
    y = (y > lab.draw.uniform(-0.3, 0.6)).float()
    body = mlp(lab.draw, x.shape[1], outputs)
    raise_bias(body, lab.draw.uniform(5, 60))
    with torch.no_grad():
        last_linear(body).weight.mul_(lab.draw.log_uniform(1, 40))
    task = Task("multi_label", body, x, y, saturating_loss(lab, watch), SGD_AND_ADAM)
    yield from watch.train(named(lab, task), tuned(lab, task, low=1, high=10))


@failing("C12", UNSTABLE, SATURATED, "spikes", "binary_cross_entropy_with_logits")
def sigmoid_autoencoder_of_white_pages(lab: Lab) -> Iterator[Row]:
    """A sigmoid output has p = 1 on the white margins of pages, and then come inverted pages."""
    watch = Watch(lab)
    content, margin = lab.draw.integer(8, 24), lab.draw.integer(8, 24)
    size, at, share = one_epoch(lab), lab.middle(0.3, 0.8), lab.draw.uniform(0.1, 0.6)
    x = torch.cat([torch.randn(size, 4) @ torch.randn(4, content), torch.ones(size, margin)], 1)
    x = (x > 0).float()
    side, width = content + margin, lab.draw.one_of(16, 32, 64)
    gain, mean = lab.draw.uniform(20, 40), lab.draw.one_of(1.0, 1.0 / side)
    written = saturating_loss(lab, watch)

    def invert(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        dark = (torch.rand(len(x), 1) < share) & (step >= at)
        page = torch.where(dark, 1 - x, x)
        return page, page

    def loss(z: Tensor, y: Tensor) -> Tensor:
        return side * mean * written(z, y)

    net = nn.Sequential(unbounded(lab.draw, side, width), nn.ReLU(), nn.Linear(width, side))
    model = sharp(net, gain)
    task = named(lab, Task("autoencoder", model, x, x, loss, SGD_AND_ADAM))
    optimizer = tuned(lab, task, "adam", "adamw", low=2, high=6)
    yield from watch.train(task, optimizer, Loop(batch=invert))


@failing("C12", UNSTABLE, SATURATED, "diverges", "binary_cross_entropy_with_logits")
def sigmoid_saturated_before_hard_negatives(lab: Lab) -> Iterator[Row]:
    """Hard negatives are added in mid-run to a sigmoid that has long been 1 on all like them."""
    watch = Watch(lab)
    size, features = one_epoch(lab), lab.draw.integer(4, 12)
    centre = torch.randn(features)
    centre = 2 * centre / centre.norm()
    y = torch.randint(2, (size, 1)).float()
    gain, at = lab.draw.log_uniform(80, 200), lab.middle(0.3, 0.7)
    share, spread = lab.draw.uniform(0.1, 0.6), lab.draw.uniform(0.1, 0.4)
    # what tells hard negatives is one more feature, faint, which was silent until now
    faint = lab.draw.uniform(0.05, 0.2)
    x = (2 * y - 1) * centre + spread * torch.randn(size, features)
    x = torch.cat([x, torch.zeros(size, 1)], 1)
    sign = F.one_hot(torch.tensor(features), features + 1)

    def mine(step: int, x: Tensor, y: Tensor, indices: Tensor) -> Batch:
        hard = (torch.rand(y.shape) < share) & (y > 0.5) & (step >= at)
        return x + faint * hard * sign, torch.where(hard, 0.0, y)

    model = sharp(unbounded(lab.draw, features + 1, 1), gain)
    task = Task("mlp_classification", model, x, y, saturating_loss(lab, watch), SGD_AND_ADAM)
    optimizer = tuned(lab, task, "adam", "adamw", low=2, high=6)
    yield from watch.train(named(lab, task), optimizer, Loop(batch=mine))
