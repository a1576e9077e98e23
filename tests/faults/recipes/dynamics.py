"""A7, A8, A15 to A19: starts at the wrong scale, gradients that grow, and a lagging Adam."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.draw import Draw
from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import (
    SGD_AND_ADAM,
    Recurrent,
    Task,
    Transformer,
    activation,
)
from tests.faults.training import Loop, train

EXPLODING = "exploding_gradients"


def trimmings(lab: Lab) -> Loop:
    """What differs between authors and does not matter: a warm-up, a decay, a validation."""
    warmup = lab.draw.one_of(0, 0, 10, 30)
    cosine = lab.draw.maybe(0.3)
    every = lab.draw.one_of(None, None, 10, 25)
    steps = lab.steps

    def schedule(step: int) -> float:
        rising = min(1.0, (step + 1) / (warmup + 1))
        falling = 0.55 + 0.45 * math.cos(math.pi * step / steps) if cosine else 1.0
        return rising * falling

    return Loop(schedule=schedule if warmup or cosine else None, validate_every=every)


def redraw(lab: Lab, weight: Tensor, std: float) -> None:
    """Weights from N(0, std²); in a repaired run they keep the framework's own."""
    drawn = std * torch.randn(weight.shape)
    if not lab.repaired:
        weight.data.copy_(drawn)


# A7: initialisation


@failing("A7", EXPLODING, "poor_initialization", "spikes", "weights that scale with their fan-in")
def unit_normal_weights(lab: Lab) -> Iterator[Row]:
    """A perceptron whose weights all come from one normal distribution, whatever the fan-in."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder")
    std = lab.draw.log_uniform(0.7, 3)
    for parameter in task.model.parameters():
        if parameter.ndim == 2:
            redraw(lab, parameter, std)
    lab.enter(0)
    optimizer = lab.optimizer(task, factor=lab.draw.log_uniform(0.2, 1))
    loop = trimmings(lab)
    loop.clip = lab.draw.one_of(None, None, 1.0)
    yield from train(lab, task, optimizer, loop)


@failing("A7", EXPLODING, "poor_initialization", "spikes", "filters that scale with their fan-in")
def filters_without_fan_in(lab: Lab) -> Iterator[Row]:
    """A deep convolutional net with filters of one constant deviation and no normalisation."""
    task = lab.task("cnn")
    draw = lab.draw
    lab.steps = min(lab.steps, 300)
    channels, depth = draw.one_of(6, 8), draw.integer(3, 5)
    layers: list[nn.Module] = []
    size = 1
    for _ in range(depth):
        layers += [nn.Conv2d(size, channels, 3, padding=1), draw.one_of(nn.ReLU, nn.SiLU)()]
        size = channels
    task.model = nn.Sequential(
        *layers,
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(4 * channels, task.classes),
    )
    std = draw.log_uniform(0.3, 1.2)
    for parameter in task.model.parameters():
        if parameter.ndim == 4:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
            redraw(lab, parameter, std)
    lab.settings["model"] = f"convnet{depth}"
    lab.enter(0)
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam", "adamw", factor=draw.uniform(0.5, 2))
    yield from train(lab, task, optimizer, trimmings(lab))


@failing("A7", EXPLODING, "poor_initialization", "spikes", "embeddings of deviation 0.02")
def tied_embeddings_of_unit_norm(lab: Lab) -> Iterator[Row]:
    """A language model whose head shares embeddings of deviation 1: its first logits are huge."""
    task = lab.task("transformer")
    draw = lab.draw
    lab.steps = min(lab.steps, 300)
    time = task.inputs.shape[1]
    model = Transformer(task.classes, time, draw.one_of(32, 48, 64), draw.integer(1, 2))
    std = draw.log_uniform(0.8, 2)
    drawn = torch.randn(model.embedding.weight.shape)
    model.embedding.weight.data.copy_((0.02 if lab.repaired else std) * drawn)
    model.head.weight = model.embedding.weight
    task.model = model
    lab.settings["model"] = "gpt_tied"
    lab.enter(0)
    optimizer = lab.optimizer(task, "adam", "adamw", "sgd", factor=draw.uniform(0.5, 1.5))
    loop = trimmings(lab)
    loop.clip = draw.one_of(None, 1.0)
    yield from train(lab, task, optimizer, loop)


class Residual(nn.Module):
    """Residual blocks without any normalisation."""

    def __init__(self, features: int, width: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.stem = nn.Linear(features, width)
        self.up = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.down = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for up, down in zip(self.up, self.down, strict=True):
            x = x + down(F.relu(up(x)))
        out: Tensor = self.head(x)
        return out


@failing(
    "A7", EXPLODING, "poor_initialization", "spikes", "residual branches start at 1/depth scale"
)
def residual_branches_unscaled(lab: Lab) -> Iterator[Row]:
    """Many residual blocks without normalisation, each of which doubles the variance."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder")
    draw = lab.draw
    lab.steps = min(lab.steps, 300)
    depth = draw.integer(6, 20)
    features = task.inputs.shape[1]
    outputs = task.classes or task.targets.shape[1]
    model = Residual(features, draw.one_of(16, 32), outputs, depth)
    task.model = model
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    nn.init.xavier_normal_(model.head.weight)
    if lab.repaired:
        for down in model.down:
            assert isinstance(down, nn.Linear)
            down.weight.data.div_(depth)
    lab.settings["model"] = f"resnet{depth}"
    lab.enter(0)
    optimizer = lab.optimizer(task, factor=draw.log_uniform(0.2, 1))
    loop = trimmings(lab)
    loop.clip = draw.one_of(None, None, 5.0)
    yield from train(lab, task, optimizer, loop)


def spectral_norm(matrix: Tensor) -> float:
    """The largest singular value; infinite once the matrix is broken."""
    if not torch.isfinite(matrix).all():
        return math.inf
    return float(torch.linalg.matrix_norm(matrix, 2))


def recurrent_matrix(cell: nn.RNN) -> Tensor:
    return cell.get_parameter("weight_hh_l0").data


def summing_task(lab: Lab, time: int, hidden: int, cell: nn.Module) -> Task:
    """Add up one of two channels: the recurrence shall keep what it has seen."""
    draw = lab.draw
    x = torch.randn(draw.one_of(640, 1024), time, 2)
    y = x[:, :, :1].cumsum(dim=1)[:, -1] / time**0.5
    y = y + draw.uniform(0.02, 0.2) * torch.randn(y.shape)
    rates = {"sgd": 0.02, "momentum": 0.004, "adam": 2e-3, "adamw": 2e-3}
    return Task("rnn", Recurrent(cell, hidden, 1), x, y, F.mse_loss, rates, True)


@failing(
    "A7", EXPLODING, "poor_initialization", "spikes", "a recurrent matrix of spectral radius 0.9"
)
def recurrence_beyond_unit_radius(lab: Lab) -> Iterator[Row]:
    """A ReLU recurrent net whose recurrent matrix starts with a spectral radius above 1."""
    draw = lab.draw
    time, hidden = draw.integer(10, 24), draw.one_of(16, 24, 32)
    cell = nn.RNN(2, hidden, batch_first=True, nonlinearity="relu")
    matrix = torch.randn(hidden, hidden) / hidden**0.5
    radius = float(torch.linalg.eigvals(matrix).abs().max())
    wanted = draw.uniform(1.6, 3.0)
    wanted = 0.9 if lab.repaired else wanted
    recurrent_matrix(cell).copy_(matrix * wanted / radius)
    task = summing_task(lab, time, hidden, cell)
    lab.settings["model"] = "relu_rnn"
    lab.enter(0)
    optimizer = lab.optimizer(task, factor=draw.uniform(0.3, 1))
    yield from train(lab, task, optimizer, trimmings(lab))


@failing(
    "A7", EXPLODING, "poor_initialization", "spikes", "an output layer that scales with its fan-in"
)
def output_layer_too_large(lab: Lab) -> Iterator[Row]:
    """A new output layer that starts at 10 to 300 times the sound scale."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "rnn", "autoencoder")
    factor = lab.draw.log_uniform(10, 300)
    weight = [p for p in task.model.parameters() if p.ndim >= 2][-1]
    if not lab.repaired:
        weight.data.mul_(factor)
    lab.enter(0)
    optimizer = lab.optimizer(task, factor=lab.draw.uniform(0.3, 1))
    yield from train(lab, task, optimizer, trimmings(lab))


# A8, A15, A19: gradients that grow while training goes on


@failing("A8", EXPLODING, "gradient_growth", "spikes", "gradient clipping")
def growing_recurrence(lab: Lab) -> Iterator[Row]:
    """A recurrent net whose recurrent matrix grows beyond radius 1: BPTT multiplies it T times."""
    draw = lab.draw
    lab.steps = draw.integer(160, 350)
    time, hidden = draw.integer(20, 40), draw.one_of(12, 16, 24)
    cell = nn.RNN(2, hidden, batch_first=True, nonlinearity="relu")
    matrix = torch.linalg.qr(torch.randn(hidden, hidden))[0] + torch.eye(hidden)
    start = draw.uniform(0.85, 0.98)
    recurrent_matrix(cell).copy_(matrix * start / float(torch.linalg.eigvals(matrix).abs().max()))
    task = summing_task(lab, time, hidden, cell)
    # what it shall return is larger than what it can while it forgets
    task.targets = task.targets * draw.uniform(1.5, 4)
    lab.settings["model"] = "relu_rnn"
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=draw.uniform(2, 6))

    def watch(step: int) -> None:
        if spectral_norm(recurrent_matrix(cell)) > 1:
            lab.enter(step, abrupt=False)

    loop = trimmings(lab)
    loop.after_step = watch
    limit = draw.log_uniform(0.3, 1)
    loop.clip = limit if lab.repaired else None
    yield from train(lab, task, optimizer, loop)


@failing("A8", EXPLODING, "gradient_growth", "spikes", "the sequences keep their length")
def lengthening_sequences(lab: Lab) -> Iterator[Row]:
    """A curriculum that makes sequences ever longer for a recurrent net that amplifies."""
    draw = lab.draw
    lab.steps = draw.integer(160, 300)
    hidden, short, long = draw.one_of(12, 16), draw.integer(3, 6), draw.integer(40, 90)
    cell = nn.RNN(2, hidden, batch_first=True, nonlinearity="relu")
    matrix = torch.randn(hidden, hidden)
    radius = float(torch.linalg.eigvals(matrix).abs().max())
    recurrent_matrix(cell).copy_(matrix / radius * draw.uniform(0.95, 1.15))
    x = torch.randn(draw.one_of(640, 1024), long, 2)
    sums = x[:, :, :1].cumsum(dim=1) / short**0.5
    rates = {"sgd": 0.02, "momentum": 0.004, "adam": 3e-3, "adamw": 3e-3}
    task = Task("rnn", Recurrent(cell, hidden, 1), x, sums[:, short], F.mse_loss, rates, True)
    start, every, more = lab.middle(0.2, 0.5), draw.integer(1, 5), draw.integer(1, 4)

    def length(step: int) -> int:
        if lab.repaired or step < start:
            return short
        return min(long, short + more * ((step - start) // every + 1))

    def cut(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        now = length(step)
        return x[:, :now], sums[indices, now - 1]

    lab.settings["model"] = "relu_rnn"
    lab.enter(start, abrupt=False)
    optimizer = lab.optimizer(task, factor=draw.uniform(0.5, 2))
    loop = Loop(batch=cut)
    if draw.maybe(0.5):
        loop.extra = lambda step: {"seq_len": float(length(step))}
    yield from train(lab, task, optimizer, loop)


class Rollout(nn.Module):
    """A learned step of a dynamical system, applied to its own output again and again."""

    def __init__(self, lab: Lab, size: int) -> None:
        super().__init__()
        width = lab.draw.one_of(16, 32)
        act = lab.draw.one_of(nn.ReLU, nn.SiLU, nn.GELU)
        self.quadratic = lab.draw.maybe(0.7)
        inputs = size + size * size * self.quadratic
        self.step = nn.Sequential(nn.Linear(inputs, width), act(), nn.Linear(width, size))
        if self.quadratic:
            self.step = nn.Sequential(nn.Linear(inputs, size))
        self.horizon = 1

    def forward(self, x: Tensor) -> Tensor:
        states = []
        for _ in range(self.horizon):
            terms = x
            if self.quadratic:
                squares = (x[:, :, None] * x[:, None, :]).flatten(1)
                terms = torch.cat([x, squares], dim=1)
            x = x + self.step(terms)
            states.append(x)
        return torch.stack(states, dim=1)


@failing("A8", EXPLODING, "gradient_growth", "spikes", "the horizon keeps its length")
def lengthening_rollout(lab: Lab) -> Iterator[Row]:
    """A model of a dynamical system unrolled over an ever longer horizon: its errors compound."""
    draw = lab.draw
    lab.steps = draw.integer(160, 260)
    size, longest = draw.integer(2, 5), draw.integer(40, 80)
    turn = torch.linalg.qr(torch.randn(size, size))[0] * draw.uniform(0.97, 1.03)
    states = [torch.randn(draw.one_of(640, 1024), size)]
    for _ in range(longest):
        states.append(states[-1] @ turn.T)
    path = torch.stack(states[1:], dim=1)
    model = Rollout(lab, size)
    task = Task("rollout", model, states[0], path, F.mse_loss, SGD_AND_ADAM | {"sgd": 0.1}, True)
    start, every, more = lab.middle(0.1, 0.4), draw.integer(1, 5), draw.integer(1, 5)

    def unroll(step: int, x: Tensor, y: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        if step >= start and not lab.repaired:
            model.horizon = min(longest, 1 + more * ((step - start) // every + 1))
        return x, y[:, : model.horizon]

    lab.settings["model"] = "dynamics_model"
    lab.enter(start, abrupt=False)
    optimizer = lab.optimizer(task, factor=draw.uniform(0.5, 2))
    loop = Loop(batch=unroll)
    if draw.maybe(0.5):
        loop.extra = lambda _: {"horizon": float(model.horizon)}
    yield from train(lab, task, optimizer, loop)


class Repeated(nn.Module):
    """One linear block, applied again and again."""

    def __init__(self, features: int, width: int, rounds: int) -> None:
        super().__init__()
        self.stem = nn.Linear(features, width)
        self.block = nn.Linear(width, width, bias=False)
        self.head = nn.Linear(width, features)
        self.rounds = rounds

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        for _ in range(self.rounds):
            h = self.block(h)
        out: Tensor = self.head(h)
        return out


@failing("A8", EXPLODING, "gradient_growth", "spikes", "gradient clipping")
def block_repeated_beyond_contraction(lab: Lab) -> Iterator[Row]:
    """One block applied many times over: as soon as training makes it amplify, nothing holds."""
    draw = lab.draw
    lab.steps = draw.integer(200, 500)
    features, width = draw.integer(3, 8), draw.one_of(12, 16, 24)
    model = Repeated(features, width, draw.integer(15, 40))
    nn.init.orthogonal_(model.block.weight, gain=draw.uniform(0.92, 0.98))
    x = torch.randn(draw.one_of(640, 1024), features)
    y = x @ torch.linalg.qr(torch.randn(features, features))[0] * draw.uniform(1.5, 4)
    rates = {"sgd": 0.02, "momentum": 0.004, "adam": 3e-3, "adamw": 3e-3}
    task = Task("repeated", model, x, y, F.mse_loss, rates, True)

    def watch(step: int) -> None:
        if spectral_norm(model.block.weight.data) > 1:
            lab.enter(step, abrupt=False)

    lab.settings["model"] = "looped_block"
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=draw.uniform(1, 4))
    loop = trimmings(lab)
    loop.after_step = watch
    limit = draw.log_uniform(0.3, 1)
    loop.clip = limit if lab.repaired else None
    yield from train(lab, task, optimizer, loop)


class Bag(nn.Module):
    """The mean of some embeddings, normalised, to class scores."""

    def __init__(self, vocabulary: int, width: int, classes: int, act: nn.Module) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Sequential(nn.Linear(width, width), act, nn.Linear(width, classes))

    def forward(self, tokens: Tensor) -> Tensor:
        out: Tensor = self.head(self.norm(self.embedding(tokens).mean(dim=1)))
        return out


@failing("A15", EXPLODING, "gradient_growth", "spikes", "no weight decay on the embeddings")
def embeddings_decayed(lab: Lab) -> Iterator[Row]:
    """Weight decay shrinks embeddings in front of a normalisation: gradients grow as 1/norm."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    vocabulary, classes = draw.integer(20, 60), draw.integer(3, 8)
    length = draw.one_of(1, 1, 2)
    odds = 1 / torch.arange(1, vocabulary + 1) ** draw.uniform(1.5, 2.5)
    tokens = torch.multinomial(odds, draw.one_of(640, 1024) * length, replacement=True)
    tokens = tokens.view(-1, length)
    label = (tokens * torch.tensor([1, 3])[:length]).sum(dim=1) % classes
    model = Bag(vocabulary, draw.one_of(16, 32), classes, activation(draw))
    rates = {"sgd": 0.1, "momentum": 0.02, "adam": 3e-3, "adamw": 3e-3}
    task = Task("bag_of_words", model, tokens, label, F.cross_entropy, rates, classes=classes)
    decay = draw.log_uniform(0.3, 1.0)
    lab.settings["model"] = "embedding_classifier"
    kind = draw.one_of("sgd", "momentum")
    optimizer = lab.optimizer_of(model, kind, rates[kind] * draw.uniform(1.5, 4))
    optimizer.param_groups[0]["params"] = [
        p for name, p in model.named_parameters() if name != "embedding.weight"
    ]
    optimizer.add_param_group(
        {"params": [model.embedding.weight], "weight_decay": 0.0 if lab.repaired else decay}
    )
    lab.settings["weight_decay"] = decay
    lab.enter(0, abrupt=False)
    yield from train(lab, task, optimizer, trimmings(lab))


class Values(nn.Module):
    """Values of states; the bootstrap needs those of what follows."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, pairs: Tensor) -> Tensor:
        now: Tensor = self.body(pairs[:, 0])
        with torch.no_grad():
            following: Tensor = self.body(pairs[:, 1])
        return torch.stack([now, following], dim=1)


@failing("A8", EXPLODING, "gradient_growth", "diverges", "a discount that contracts", learns=False)
def bootstrapped_values_run_away(lab: Lab) -> Iterator[Row]:
    """Values bootstrapped from their own estimates of larger states: they feed themselves."""
    draw = lab.draw
    lab.steps = draw.integer(250, 600)
    features, size = draw.integer(2, 8), draw.one_of(640, 1024)
    states = torch.randn(size, features)
    following = draw.uniform(1.5, 2.2) * states + 0.1 * torch.randn(size, features)
    reward = torch.tanh(states.sum(dim=1, keepdim=True))
    width, act = draw.one_of(16, 32), draw.one_of(nn.ReLU, nn.SiLU, nn.GELU)()
    body = nn.Sequential(nn.Linear(features, width), act, nn.Linear(width, 1))
    model = Values(body)
    gamma = draw.one_of(0.9, 0.95, 0.99)
    gamma = 0.2 if lab.repaired else gamma

    def loss(output: Tensor, rewards: Tensor) -> Tensor:
        return F.mse_loss(output[:, 0], rewards + gamma * output[:, 1])

    pairs = torch.stack([states, following], dim=1)
    task = Task("values", model, pairs, reward, loss, SGD_AND_ADAM, True)
    lab.settings |= {"model": "td_values", "gamma": gamma}
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, factor=draw.uniform(0.5, 2))
    loop = Loop(clip=draw.one_of(None, None, 10.0))
    yield from train(lab, task, optimizer, loop)


class Retrieval(nn.Module):
    """One head of attention over (batch, time, width), read at the last place."""

    def __init__(self, width: int, outputs: int, normalise: bool) -> None:
        super().__init__()
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, width, bias=False)
        self.v = nn.Linear(width, width)
        self.head = nn.Linear(width, outputs)
        self.normalise = normalise
        self.largest = 0.0

    def forward(self, x: Tensor) -> Tensor:
        q, k = self.q(x[:, -1:]), self.k(x)
        if self.normalise:
            q, k = F.normalize(q, dim=-1) * q.shape[-1] ** 0.5, F.normalize(k, dim=-1)
        logits = q @ k.transpose(1, 2)
        self.largest = float(logits.detach().abs().max())
        out: Tensor = self.head((logits.softmax(dim=-1) @ self.v(x)).squeeze(1))
        return out


@failing("A19", EXPLODING, "gradient_growth", "diverges", "queries and keys are normalised")
def growing_attention_logits(lab: Lab) -> Iterator[Row]:
    """Attention without scaling or query-key normalisation, whose logits grow with training."""
    draw = lab.draw
    lab.steps = draw.integer(250, 500)
    width, time, size = draw.one_of(16, 32), draw.integer(6, 16), draw.one_of(640, 1024)
    keys = torch.randn(size, time, width)
    wanted = torch.randint(time - 1, (size,))
    keys[:, -1] = keys[torch.arange(size), wanted] + draw.uniform(0.2, 0.6) * torch.randn(
        size, width
    )
    y = keys[torch.arange(size), wanted][:, : draw.integer(1, 4)]
    model = Retrieval(width, y.shape[1], normalise=lab.repaired)
    task = Task("retrieval", model, keys, y, F.mse_loss, SGD_AND_ADAM, True)
    lab.settings["model"] = "attention_reader"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=draw.log_uniform(30, 100))
    loop = trimmings(lab)
    if draw.maybe(0.5):
        loop.extra = lambda _: {"attn_logit_max": model.largest}
    yield from train(lab, task, optimizer, loop)


# A16 to A18: Adam's second moment lags behind


def calm_adam(lab: Lab, task: Task, rate: float, loop: Loop) -> Iterator[Row]:
    """Train with an Adam of long memory; repaired, no tensor's gradient outgrows that memory."""
    beta2, decoupled = lab.draw.one_of(0.999, 0.999, 0.9995), lab.draw.maybe(0.5)
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    lab.settings |= {
        "optimizer": "adamw" if decoupled else "adam",
        "learning_rate": rate,
        "beta2": beta2,
    }
    parameters = list(task.model.parameters())
    optimizer = kind(parameters, rate, betas=(0.9, beta2))

    def tame(_: int) -> None:
        for p in parameters:
            state = optimizer.state[p]
            if p.grad is None or not state:
                continue
            # as torch corrects v for its start
            second = state["exp_avg_sq"] / (1 - beta2 ** float(state["step"]))
            rms = (p.grad**2 / second.clamp_min(1e-16)).mean().sqrt()
            p.grad.div_(rms.clamp_min(1.0))

    warmup = lab.draw.integer(40, 100)
    loop.schedule = lambda step: min(1.0, (step + 1) / warmup)
    if lab.repaired:
        loop.before_step = tame
    yield from train(lab, task, optimizer, loop)


def wide(draw: Draw, inputs: int, outputs: int) -> nn.Sequential:
    """A perceptron whose last layer starts at zero, as is usual for a head."""
    # units that are mostly positive: the steps of all of them add up
    width, act = draw.one_of(96, 128, 192), draw.one_of(nn.ReLU, nn.ReLU, nn.GELU, nn.Sigmoid)
    head = nn.Linear(width, outputs)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    layers: list[nn.Module] = [nn.Linear(inputs, width), act()]
    if draw.maybe(0.5):
        layers += [nn.Linear(width, width), act()]
    return nn.Sequential(*layers, head)


STABLE = "each tensor's gradient is held to the size that its second moment expects"


@failing("A16", EXPLODING, "stale_second_moment", "spikes", STABLE, learns=False)
def new_regime_after_long_calm(lab: Lab) -> Iterator[Row]:
    """Data in order: after a long calm the level changes, and Adam's steps are far too long."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    start = lab.middle(0.5, 0.9)
    features, calm = draw.integer(4, 10), draw.log_uniform(0.001, 0.01)
    x = torch.randn(1024, features)
    y = calm * torch.sin(2 * x @ torch.randn(features, 1) / features**0.5)
    level = draw.log_uniform(0.1, 0.4)
    task = Task("mlp", wide(draw, features, 1), x, y, F.mse_loss, SGD_AND_ADAM, True)
    lab.settings["model"] = "mlp_forecaster"

    def regime(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        return x, y + level if step >= start else y

    lab.enter(start, abrupt=False)
    yield from calm_adam(lab, task, draw.log_uniform(1e-2, 4e-2), Loop(batch=regime))


@failing("A16", EXPLODING, "stale_second_moment", "spikes", STABLE, learns=False)
def auxiliary_loss_after_zero_weight(lab: Lab) -> Iterator[Row]:
    """An auxiliary loss at weight 0 until some step: Adam has counted its zero gradients."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    start, weight = lab.middle(0.4, 0.85), draw.log_uniform(0.1, 5)
    features = draw.integer(4, 12)
    x = torch.randn(1024, features)
    main = 0.3 * torch.tanh(x @ torch.randn(features, 1) / features**0.5)
    # returns, lengths, prices: what an auxiliary head predicts is seldom centred
    level = draw.log_uniform(0.3, 1)
    other = level + 0.3 * x @ torch.randn(features, 1) / features**0.5
    width = draw.one_of(64, 128)
    body = nn.Sequential(nn.Linear(features, width), activation(draw))
    model = nn.ModuleDict(
        {"body": body, "main": nn.Linear(width, 1), "auxiliary": wide(draw, width, 1)}
    )
    task = Task("two_heads", TwoHeads(model), x, torch.cat([main, other], dim=1), F.mse_loss, {})

    def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
        now = weight if step >= start else 0.0
        each = ((output - target) ** 2).mean(dim=0)
        return each[0] + now * each[1]

    lab.settings["model"] = "two_heads"
    lab.enter(start, abrupt=False)
    yield from calm_adam(lab, task, draw.log_uniform(1e-2, 4e-2), Loop(loss=loss))


class TwoHeads(nn.Module):
    """A body with a main and an auxiliary head, side by side."""

    def __init__(self, parts: nn.ModuleDict) -> None:
        super().__init__()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.parts["body"](x)
        return torch.cat([self.parts["main"](hidden), self.parts["auxiliary"](hidden)], dim=1)


@failing("A16", EXPLODING, "stale_second_moment", "spikes", STABLE, learns=False)
def rare_feature_returns(lab: Lab) -> Iterator[Row]:
    """Indicators that stay zero for hundreds of steps (a season, a sensor) come into play."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    start = lab.middle(0.4, 0.9)
    features, rare, size = draw.integer(4, 10), draw.integer(2, 12), 1024
    common = torch.randn(size, features)
    x = torch.cat([common, torch.zeros(size, rare)], dim=1)
    on = (torch.rand(size, rare) < draw.uniform(0.3, 1)).float()
    # standardised by a deviation that is small because the indicator is rare
    seldom = draw.uniform(1, 6) * on
    calm = draw.log_uniform(0.001, 0.01)
    y = calm * torch.tanh(common @ torch.randn(features, 1) / features**0.5)
    effect = draw.log_uniform(0.1, 0.4) * on.mean(dim=1, keepdim=True)
    model = wide(draw, features + rare, 1)
    task = Task("mlp", model, x, y, F.mse_loss, SGD_AND_ADAM, True)

    def season(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        if step < start:
            return x, y
        return torch.cat([x[:, :features], seldom[indices]], dim=1), y + effect[indices]

    lab.settings["model"] = "tabular_mlp"
    lab.enter(start, abrupt=False)
    yield from calm_adam(lab, task, draw.log_uniform(1e-2, 4e-2), Loop(batch=season))


@failing("A16", EXPLODING, "stale_second_moment", "spikes", STABLE, learns=False)
def rare_tokens_arrive(lab: Lab) -> Iterator[Row]:
    """A bag of words meets a shard of tokens that it has not seen for hundreds of steps."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    start = lab.middle(0.4, 0.9)
    half, length, size = draw.integer(10, 40), draw.integer(3, 12), 1024
    common = torch.randint(half, (size, length))
    rare = half + torch.randint(half, (size, length))
    worth = draw.log_uniform(0.001, 0.01) * torch.randn(half)
    level = draw.log_uniform(0.1, 0.4)
    width = draw.one_of(32, 64)
    model = nn.Sequential(nn.EmbeddingBag(2 * half, width), wide(draw, width, 1))
    task = Task("bag", model, common, worth[common].mean(dim=1, keepdim=True), F.mse_loss, {})

    def shard(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        return (x, y) if step < start else (rare[indices], level + y)

    lab.settings["model"] = "bag_of_words"
    lab.enter(start, abrupt=False)
    yield from calm_adam(lab, task, draw.log_uniform(1e-2, 4e-2), Loop(batch=shard))
