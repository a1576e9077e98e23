"""A10, A25 to A27, C23: objectives that reward running away, and a clip of scaled gradients."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.tasks import SGD_AND_ADAM, Task, activation, mlp
from tests.faults.training import Loop, grad_norms, train

EXPLODING = "exploding_gradients"
UNSTABLE = "unstable_loss"


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


def smooth_function(x: Tensor, outputs: int = 1) -> Tensor:
    """Targets without noise that a small network fits well."""
    direction = torch.randn(x.shape[1], outputs) / x.shape[1] ** 0.5
    return torch.tanh(x @ direction) + 0.2 * x[:, :1]


# C23: losses without a lower bound


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "the log-variance has a floor")
def free_log_variance(lab: Lab) -> Iterator[Row]:
    """A Gaussian likelihood with a learned variance on targets that carry no noise."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    floor = draw.uniform(-3, -1)
    x = torch.randn(draw.one_of(512, 1024), draw.integer(2, 6))
    # sensors that saturate, or counts with many zeros: the same value again and again
    exact = draw.one_of("smooth", "zeros", "constant")
    y = smooth_function(x)
    if exact == "zeros":
        y = F.relu(y - draw.uniform(0.2, 0.8))
    elif exact == "constant":
        y = y.sign()
    model = mlp(draw, x.shape[1], 2, depth=draw.integer(1, 2))

    def loss(output: Tensor, target: Tensor) -> Tensor:
        mean, log_variance = output[:, :1], output[:, 1:]
        if lab.repaired:
            log_variance = log_variance.clamp_min(floor)
        return 0.5 * (log_variance + (target - mean) ** 2 / log_variance.exp()).mean()

    task = Task("heteroscedastic", model, x, y, loss, SGD_AND_ADAM, True)
    lab.settings["model"] = "heteroscedastic_mlp"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum", factor=draw.uniform(1, 5))
    yield from train(lab, task, optimizer, trimmings(lab))


class MixtureDensity(nn.Module):
    """Mixture weights from the input; means and widths of the components are free."""

    def __init__(self, features: int, components: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, width), nn.Tanh())
        self.weights = nn.Linear(width, components)
        self.means = nn.Parameter(torch.linspace(-1.5, 1.5, components))
        self.log_sigma = nn.Parameter(torch.full((components,), -0.5))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, components): the log of each component's weight."""
        logs: Tensor = F.log_softmax(self.weights(self.body(x)), dim=-1)
        return logs


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "the components have a least width")
def mixture_component_collapse(lab: Lab) -> Iterator[Row]:
    """A mixture density whose components narrow onto values that recur exactly in the data."""
    draw = lab.draw
    lab.steps = draw.integer(250, 600)
    floor = draw.uniform(-2.0, -1.0)
    grid = draw.one_of(0.5, 1.0)
    x = torch.randn(draw.one_of(640, 1024), draw.integer(2, 8))
    y = (smooth_function(x) / grid).round() * grid
    model = MixtureDensity(x.shape[1], draw.integer(3, 8), draw.one_of(16, 32))

    def loss(logs: Tensor, target: Tensor) -> Tensor:
        log_sigma = model.log_sigma.clamp_min(floor) if lab.repaired else model.log_sigma
        z = (target - model.means) / log_sigma.exp()
        likelihood = logs - 0.5 * z**2 - log_sigma - 0.919
        return -torch.logsumexp(likelihood, dim=-1).mean()

    task = Task("mixture_density", model, x, y, loss, SGD_AND_ADAM, True)
    lab.settings["model"] = "mixture_density"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, "adam", "adamw", factor=draw.log_uniform(5, 20))
    loop = trimmings(lab)
    if draw.maybe(0.4):
        loop.extra = lambda _: {"sigma_min": float(model.log_sigma.detach().min().exp())}
    yield from train(lab, task, optimizer, loop)


class Coupling(nn.Module):
    """An affine flow: a scale and a shift for every feature, then couplings of halves."""

    def __init__(self, features: int, width: int, layers: int) -> None:
        super().__init__()
        self.kept = features // 2
        self.log_scale = nn.Parameter(torch.zeros(features))
        self.shift = nn.Parameter(torch.zeros(features))
        self.nets = nn.ModuleList(
            nn.Sequential(nn.Linear(self.kept, width), nn.ReLU(), nn.Linear(width, 2 * self.kept))
            for _ in range(layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch,): the negative log-likelihood, up to a constant."""
        volume = self.log_scale.sum()
        z = (x - self.shift) * self.log_scale.exp()
        for net in self.nets:
            still, moved = z[:, : self.kept], z[:, self.kept :]
            log_scale, shift = net(still).chunk(2, dim=-1)
            moved = moved * torch.tanh(log_scale).exp() + shift
            volume = volume + torch.tanh(log_scale).sum(dim=-1)
            z = torch.cat([moved, still], dim=-1)
        likelihood: Tensor = 0.5 * (z**2).sum(dim=-1) - volume
        return likelihood


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "the data get a little noise")
def flow_on_discrete_data(lab: Lab) -> Iterator[Row]:
    """A normalising flow on features that hold a constant: its density has no upper bound."""
    draw = lab.draw
    lab.steps = draw.integer(250, 600)
    features = 2 * draw.integer(2, 4)
    x = torch.randn(draw.one_of(640, 1024), features)
    constants = draw.integer(1, features // 2)
    noise = draw.uniform(0.5, 1.0) * torch.randn(len(x), constants)
    x[:, :constants] = draw.uniform(-0.5, 0.5) + (noise if lab.repaired else 0.0)
    model = Coupling(features, draw.one_of(16, 32), draw.integer(1, 3))
    rates = {"momentum": 0.01, "adam": 5e-3, "adamw": 5e-3, "sgd": 0.05}
    task = Task("flow", model, x, x, lambda output, _: output.mean(), rates)
    lab.settings["model"] = "coupling_flow"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum", factor=draw.log_uniform(2, 10))
    yield from train(lab, task, optimizer, trimmings(lab))


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "a hinge ends the reward at a margin")
def triplet_loss_without_hinge(lab: Lab) -> Iterator[Row]:
    """A triplet loss d(a, p) - d(a, n) with neither hinge nor normalisation: n flees for ever."""
    draw = lab.draw
    features, classes, size = draw.integer(6, 16), draw.integer(4, 10), draw.one_of(640, 1024)
    centres = torch.randn(classes, features) * draw.uniform(0.8, 1.5)
    anchor = torch.randint(classes, (size,))
    other = (anchor + torch.randint(1, classes, (size,))) % classes
    kinds = torch.stack([anchor, anchor, other], dim=1)
    x = centres[kinds] + draw.uniform(0.3, 1.0) * torch.randn(size, 3, features)
    model = mlp_over_views(lab, features, draw.one_of(4, 8, 16))
    squared, margin = draw.maybe(0.6), draw.uniform(2.0, 6.0)

    def loss(output: Tensor, _: Tensor) -> Tensor:
        a, p, n = output.unbind(dim=1)
        near, far = (a - p).pow(2).sum(-1), (a - n).pow(2).sum(-1)
        if not squared:
            near, far = (near + 1e-6).sqrt(), (far + 1e-6).sqrt()
        # a hinge less its constant, so that both logs begin alike
        return ((near - far).clamp_min(-margin) if lab.repaired else near - far).mean()

    task = Task("triplet", model, x, anchor, loss, SGD_AND_ADAM)
    lab.settings["model"] = "triplet_encoder"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, factor=draw.log_uniform(0.5, 2))
    yield from train(lab, task, optimizer, trimmings(lab))


def mlp_over_views(lab: Lab, features: int, outputs: int) -> nn.Module:
    """A plain encoder over (batch, views, features); batch normalisation would mix the views."""
    width = lab.draw.one_of(16, 32, 64)
    return nn.Sequential(
        nn.Linear(features, width), activation(lab.draw), nn.Linear(width, outputs)
    )


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "softplus bounds both terms from below")
def energy_difference_unregularised(lab: Lab) -> Iterator[Row]:
    """An energy model on E(data) - E(noise), with nothing that keeps the energies near zero."""
    draw = lab.draw
    features, size = draw.integer(3, 12), draw.one_of(640, 1024)
    x = torch.tanh(torch.randn(size, 2) @ torch.randn(2, features)) + 0.1
    model = mlp_over_views(lab, features, 1)
    spread = draw.uniform(1.0, 2.0)
    noise = spread * torch.randn(size, features)
    pairs = torch.stack([x, noise], dim=1)

    def loss(output: Tensor, _: Tensor) -> Tensor:
        real, fake = output[:, 0], output[:, 1]
        if lab.repaired:
            return (F.softplus(real) + F.softplus(-fake)).mean()
        return (real - fake).mean()

    task = Task("energy", model, pairs, pairs, loss, SGD_AND_ADAM)
    lab.settings["model"] = "energy_mlp"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, factor=draw.log_uniform(1, 6))
    yield from train(lab, task, optimizer, trimmings(lab))


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "the forgetting ends at chance level")
def forgetting_by_negated_loss(lab: Lab) -> Iterator[Row]:
    """Unlearning that subtracts the cross-entropy of the samples to forget from the total."""
    task = lab.task("mlp_classification", "cnn")
    draw = lab.draw
    lab.steps = draw.integer(160, 350)
    forget = draw.integer(0, task.classes - 1)
    start, weight = lab.middle(0.2, 0.6), draw.uniform(0.3, 2.0)
    ceiling = math.log(task.classes)

    def loss(output: Tensor, target: Tensor, step: int) -> Tensor:
        each = F.cross_entropy(output, target, reduction="none")
        keep = target != forget
        if step < start or not bool((~keep).any()) or not bool(keep.any()):
            return each.mean()
        forgotten = each[~keep].mean()
        if lab.repaired:
            forgotten = forgotten.clamp_max(ceiling)
        return each[keep].mean() - weight * forgotten

    lab.enter(start, abrupt=False)
    optimizer = lab.optimizer(task, factor=draw.log_uniform(1, 3))
    loop = trimmings(lab)
    loop.loss = loss
    yield from train(lab, task, optimizer, loop)


class TwoHeads(nn.Module):
    """Two regressions on one body, each loss weighed by a learned log-variance."""

    def __init__(self, features: int, width: int, act: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(features, width), act)
        self.heads = nn.Linear(width, 2)
        self.log_vars = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.heads(self.body(x))
        return out


@failing("C23", UNSTABLE, "unbounded_loss", "spikes", "the learned log-variances have a floor")
def uncertainty_weights_unbounded(lab: Lab) -> Iterator[Row]:
    """Learned weights of two losses, exp(-s)·L + s, where one loss goes to zero: s has no end."""
    draw = lab.draw
    lab.steps = draw.integer(300, 600)
    x = torch.randn(draw.one_of(640, 1024), draw.integer(3, 10))
    easy = 0.3 * x[:, :1] if draw.maybe(0.5) else torch.full((len(x), 1), draw.uniform(-1, 1))
    hard = smooth_function(x) + 0.5 * torch.randn(len(x), 1)
    model = TwoHeads(x.shape[1], draw.one_of(16, 32), activation(draw))
    floor = draw.uniform(-2, -0.5)

    def loss(output: Tensor, target: Tensor) -> Tensor:
        each = ((output - target) ** 2).mean(dim=0)
        s = model.log_vars.clamp_min(floor) if lab.repaired else model.log_vars
        return (torch.exp(-s) * each + s).sum()

    task = Task("multitask", model, x, torch.cat([easy, hard], dim=1), loss, SGD_AND_ADAM)
    lab.settings["model"] = "multitask_mlp"
    lab.enter(0, abrupt=False)
    optimizer = lab.optimizer(task, "adam", "adamw", "momentum", factor=draw.log_uniform(3, 12))
    loop = trimmings(lab)
    if draw.maybe(0.4):
        loop.extra = lambda _: {"log_var_0": float(model.log_vars[0].detach())}
    yield from train(lab, task, optimizer, loop)


# A27: a learned temperature of a contrastive loss


class Contrastive(nn.Module):
    """Two encoders onto the unit sphere, and a learned temperature."""

    def __init__(self, lab: Lab, features: int, temperature: float) -> None:
        super().__init__()
        size = lab.draw.one_of(8, 16)
        self.left = mlp_over_views(lab, features, size)
        self.right = mlp_over_views(lab, features, size)
        self.logit_scale = nn.Parameter(torch.tensor(temperature))

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.left(x[:, 0]), self.right(x[:, 1])
        return torch.stack([F.normalize(left, dim=-1), F.normalize(right, dim=-1)], dim=1)


def info_nce(output: Tensor, scale: Tensor) -> Tensor:
    """Symmetric: each view must find its partner among those of the batch."""
    logits = scale * output[:, 0] @ output[:, 1].T
    partner = torch.arange(len(logits))
    return 0.5 * (F.cross_entropy(logits, partner) + F.cross_entropy(logits.T, partner))


def paired_views(lab: Lab, mismatched: float) -> tuple[Tensor, int]:
    """(samples, 2, features) of two views each; a part of the captions belongs elsewhere."""
    draw = lab.draw
    size, features = draw.one_of(512, 1024), draw.integer(12, 24)
    thing = torch.randn(size, draw.integer(6, 10))
    noise = draw.uniform(0.02, 0.2)
    views = [
        thing @ torch.randn(thing.shape[1], features) / thing.shape[1] ** 0.5
        + noise * torch.randn(size, features)
        for _ in range(2)
    ]
    wrong = torch.rand(size) < mismatched
    views[1][wrong] = views[1][wrong].roll(1, dims=0)
    return torch.stack(views, dim=1), features


def _scale_apart(
    lab: Lab, model: Contrastive, kind: str, rate: float, factor: float, decay: float = 0.0
) -> torch.optim.Optimizer:
    """An optimizer with a parameter group of its own for the temperature."""
    optimizer = lab.optimizer_of(model, kind, rate)
    body = [p for name, p in model.named_parameters() if name != "logit_scale"]
    optimizer.param_groups[0]["params"] = body
    group = {"params": [model.logit_scale], "lr": rate * factor, "weight_decay": decay}
    optimizer.add_param_group(group)
    return optimizer


@failing("A27", EXPLODING, "temperature_runaway", "spikes", "the scale is clamped after each step")
def logit_scale_without_ceiling(lab: Lab) -> Iterator[Row]:
    """A learned logit scale with a quick rate and no ceiling: it climbs past what pairs bear."""
    draw = lab.draw
    pairs, features = paired_views(lab, draw.uniform(0.0, 0.05))
    model = Contrastive(lab, features, draw.uniform(1.5, 2.7))
    ceiling = draw.uniform(2.5, 2.9)
    late, spread = lab.middle(0.5, 0.9), draw.uniform(0.5, 1.5)

    def harder(step: int, x: Tensor, y: Tensor, _: Tensor) -> tuple[Tensor, Tensor]:
        # stronger augmentation towards the end: a sane scale takes it
        noise = spread * torch.randn(x.shape)
        return (x + noise if step >= late else x), y

    def loss(output: Tensor, _: Tensor) -> Tensor:
        return info_nce(output, model.logit_scale.exp())

    def clamp(step: int) -> None:
        if lab.repaired:
            model.logit_scale.data.clamp_(0, ceiling)
        elif float(model.logit_scale.detach()) > ceiling:
            lab.enter(step, abrupt=False)

    task = Task("contrastive", model, pairs, pairs, loss, SGD_AND_ADAM)
    lab.settings["model"] = "dual_encoder"
    kind, rate = draw.one_of("adam", "adamw"), draw.log_uniform(1e-3, 6e-3)
    # the one scalar was given a rate of its own, so that it moves at all
    optimizer = _scale_apart(lab, model, kind, rate, draw.log_uniform(60, 400))
    loop = trimmings(lab)
    loop.after_step, loop.batch = clamp, harder
    loop.extra = _logged_scale(lab, model)
    yield from train(lab, task, optimizer, loop)


def _logged_scale(lab: Lab, model: Contrastive) -> Callable[[int], dict[str, float]]:
    """The scale as authors log it: itself or its exponential."""
    if lab.draw.maybe(0.5):
        return lambda _: {"logit_scale": float(model.logit_scale.detach().exp())}
    return lambda _: {"logit_scale": float(model.logit_scale.detach())}


@failing("A27", EXPLODING, "temperature_runaway", "stalls", "no weight decay on the scale")
def logit_scale_decayed(lab: Lab) -> Iterator[Row]:
    """Weight decay on the temperature pulls the logits together: the loss stays near ln(B)."""
    draw = lab.draw
    pairs, features = paired_views(lab, draw.uniform(0.0, 0.02))
    model = Contrastive(lab, features, draw.uniform(2.0, 3.0))
    direct = draw.maybe(0.5)
    if direct:
        model.logit_scale.data.exp_()

    def loss(output: Tensor, _: Tensor) -> Tensor:
        return info_nce(output, model.logit_scale if direct else model.logit_scale.exp())

    task = Task("contrastive", model, pairs, pairs, loss, SGD_AND_ADAM)
    lab.settings["model"] = "dual_encoder"
    lab.enter(0, abrupt=False)
    rate, faster, decay = (
        draw.log_uniform(2e-3, 6e-3),
        draw.log_uniform(1, 5),
        draw.log_uniform(5, 100),
    )
    optimizer = _scale_apart(lab, model, "adamw", rate, faster, 0.0 if lab.repaired else decay)
    loop = trimmings(lab)
    loop.extra = lambda _: {"logit_scale": float(model.logit_scale.detach())}
    yield from train(lab, task, optimizer, loop)


@failing("A27", EXPLODING, "temperature_runaway", "spikes", "the temperature has a floor")
def temperature_through_zero(lab: Lab) -> Iterator[Row]:
    """A temperature learned as such, logits / τ, that falls to zero and beyond."""
    draw = lab.draw
    pairs, features = paired_views(lab, draw.uniform(0.0, 0.05))
    model = Contrastive(lab, features, draw.uniform(0.2, 1.0))
    floor = draw.uniform(0.07, 0.12)

    def loss(output: Tensor, _: Tensor) -> Tensor:
        return info_nce(output, 1 / model.logit_scale)

    def bound(_: int) -> None:
        if lab.repaired:
            model.logit_scale.data.clamp_min_(floor)

    task = Task("contrastive", model, pairs, pairs, loss, SGD_AND_ADAM)
    lab.settings["model"] = "dual_encoder"
    lab.enter(0, abrupt=False)
    kind = draw.one_of("adam", "adamw", "momentum")
    rate = draw.log_uniform(1, 3) * (0.02 if kind == "momentum" else 3e-3)
    optimizer = _scale_apart(lab, model, kind, rate, draw.log_uniform(0.5, 3))
    loop = trimmings(lab)
    loop.after_step = bound
    loop.extra = lambda _: {"temperature": float(model.logit_scale.detach())}
    yield from train(lab, task, optimizer, loop)


# A26: adversaries out of balance


def mixture_of_gaussians(lab: Lab, size: int) -> Tensor:
    """Points in the plane around a ring of centres, or on a grid of them."""
    draw = lab.draw
    modes, spread = draw.integer(2, 9), draw.log_uniform(0.02, 0.2)
    which = torch.randint(modes, (size,))
    if draw.maybe(0.6):
        angle = 2 * math.pi * which / modes
        centres = torch.stack([angle.cos(), angle.sin()], dim=1)
    else:
        centres = torch.stack([which % 3 - 1.0, which.div(3, rounding_mode="floor") - 1.0], dim=1)
    return draw.uniform(1, 2) * centres + spread * torch.randn(size, 2)


@dataclass
class Game:
    """Two players and how they are trained."""

    discriminator: nn.Module
    generator: nn.Module
    loss_d: Callable[[Tensor, Tensor], Tensor]
    """Of the scores of the real and of the made."""
    loss_g: Callable[[Tensor], Tensor]
    rate_d: float
    rate_g: float
    rounds: int = 1
    """Steps of the discriminator before each of the generator."""
    penalty: float = 0.0
    """Weight of the gradient penalty."""
    slope: float = 0.0
    """Where the penalty wants the slope of the score: 0 as in R1, 1 as in WGAN-GP."""
    kind: str = "adam"


def players(lab: Lab, latent: int) -> tuple[nn.Module, nn.Module]:
    width, slope = lab.draw.one_of(32, 64), lab.draw.uniform(0.0, 0.2)
    discriminator = nn.Sequential(
        nn.Linear(2, width),
        nn.LeakyReLU(slope),
        nn.Linear(width, width),
        nn.LeakyReLU(slope),
        nn.Linear(width, 1),
    )
    generator = nn.Sequential(nn.Linear(latent, width), activation(lab.draw), nn.Linear(width, 2))
    return discriminator, generator


def play(lab: Lab, game: Game, latent: int) -> Iterator[Row]:
    """Train both players; a row a step of the generator."""
    data = mixture_of_gaussians(lab, 2048)
    first = _adversary(game.kind, game.discriminator, game.rate_d)
    second = _adversary(game.kind, game.generator, game.rate_g)
    both = nn.ModuleDict({"discriminator": game.discriminator, "generator": game.generator})
    lab.settings |= {
        "model": "gan",
        "optimizer": game.kind,
        "learning_rate": game.rate_g,
        "learning_rate_d": game.rate_d,
    }
    shows_norm, shows_scores = lab.draw.maybe(0.7), lab.draw.maybe(0.4)
    for step in range(lab.steps):
        for _ in range(game.rounds):
            real = data[torch.randint(len(data), (lab.batch_size,))].requires_grad_()
            made = game.generator(torch.randn(lab.batch_size, latent)).detach()
            scores, fakes = game.discriminator(real), game.discriminator(made)
            loss_d = game.loss_d(scores, fakes)
            total = loss_d
            if game.penalty:
                (slope,) = torch.autograd.grad(scores.sum(), real, create_graph=True)
                steepness = (slope.pow(2).sum(-1) + 1e-12).sqrt()
                total = loss_d + game.penalty * (steepness - game.slope).pow(2).mean()
            first.zero_grad()
            total.backward()
            first.step()
        loss_g = game.loss_g(
            game.discriminator(game.generator(torch.randn(lab.batch_size, latent)))
        )
        second.zero_grad()
        kept = [p.grad for p in game.discriminator.parameters()]
        loss_g.backward(inputs=list(game.generator.parameters()))
        for p, grad in zip(game.discriminator.parameters(), kept, strict=True):
            p.grad = grad
        norm, layers = grad_norms(both)
        second.step()
        extra = {"d_real": float(scores.detach().mean()), "d_fake": float(fakes.detach().mean())}
        yield Row(
            step,
            None,
            norm if shows_norm else None,
            rate=game.rate_g,
            losses={"loss_d": float(loss_d.detach()), "loss_g": float(loss_g.detach())},
            layers=layers if shows_norm else {},
            extra=extra if shows_scores else {},
        )


def _adversary(kind: str, model: nn.Module, rate: float) -> torch.optim.Optimizer:
    if kind == "rmsprop":
        return torch.optim.RMSprop(model.parameters(), rate)
    return torch.optim.Adam(model.parameters(), rate, betas=(0.5, 0.999))


def bce_d(real: Tensor, fake: Tensor) -> Tensor:
    return F.softplus(-real).mean() + F.softplus(fake).mean()


def bce_g(fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean()


@failing(
    "A26",
    EXPLODING,
    "adversarial_imbalance",
    "spikes",
    "a gradient penalty on the discriminator",
    learns=False,
)
def discriminator_wins(lab: Lab) -> Iterator[Row]:
    """A discriminator without regularisation that learns much faster than its generator."""
    draw = lab.draw
    latent = draw.one_of(2, 4, 8)
    discriminator, generator = players(lab, latent)
    lab.steps = draw.integer(250, 500)
    rate = draw.log_uniform(1e-4, 5e-4)
    ratio, penalty = draw.log_uniform(10, 60), draw.log_uniform(0.5, 3)
    rounds = draw.one_of(1, 1, 2)
    game = Game(
        discriminator, generator, bce_d, bce_g, rate * ratio, rate, rounds,
        penalty=penalty if lab.repaired else 0.0,
    )  # fmt: skip
    lab.enter(0, abrupt=False)
    yield from play(lab, game, latent)


@failing(
    "A26",
    EXPLODING,
    "adversarial_imbalance",
    "spikes",
    "a penalty on slopes other than 1",
    learns=False,
)
def critic_without_lipschitz_bound(lab: Lab) -> Iterator[Row]:
    """A Wasserstein critic with neither clipping nor penalty: its scores grow without end."""
    draw = lab.draw
    latent = draw.one_of(2, 4, 8)
    discriminator, generator = players(lab, latent)
    rate = draw.log_uniform(2e-4, 2e-3)
    penalty = draw.uniform(3, 10)
    game = Game(
        discriminator,
        generator,
        lambda real, fake: fake.mean() - real.mean(),
        lambda fake: -fake.mean(),
        rate,
        rate * draw.uniform(0.3, 1),
        draw.one_of(1, 2, 5),
        penalty=penalty if lab.repaired else 0.0,
        slope=1.0,
        kind=draw.one_of("adam", "rmsprop"),
    )
    lab.steps = min(max(lab.steps, 250), 400)
    lab.enter(0, abrupt=False)
    yield from play(lab, game, latent)


class DomainAdversarial(nn.Module):
    """A classifier whose features shall not tell the domain that a sample comes from."""

    def __init__(self, lab: Lab, features: int, classes: int) -> None:
        super().__init__()
        width = lab.draw.one_of(16, 32)
        self.encoder = nn.Sequential(nn.Linear(features, width), activation(lab.draw))
        self.classifier = nn.Linear(width, classes)
        self.domain = nn.Sequential(nn.Linear(width, 16), nn.ReLU(), nn.Linear(16, 1))


@failing(
    "A26",
    EXPLODING,
    "adversarial_imbalance",
    "spikes",
    "a weight of the reversed gradient that leaves the classifier in charge",
)
def gradient_reversal_overwhelms(lab: Lab) -> Iterator[Row]:
    """Domain-adversarial training whose reversed gradient is far stronger than the domain head."""
    draw = lab.draw
    lab.steps = draw.integer(250, 500)
    task = lab.task("mlp_classification")
    features = task.inputs.shape[1]
    model = DomainAdversarial(lab, features, task.classes)
    domain = (torch.rand(len(task)) < 0.5).float()
    x = task.inputs + domain[:, None] * draw.uniform(0.5, 1.5) * torch.randn(features)
    task.model = model
    weight = draw.log_uniform(20, 300)
    weight, start = 0.05 if lab.repaired else weight, draw.one_of(0, 0, lab.middle(0.1, 0.5))
    clip = draw.one_of(None, None, 5.0)
    optimizer = lab.optimizer(task, factor=draw.uniform(1, 2))
    lab.settings |= {"model": "dann", "lambda_domain": weight, "max_grad_norm": clip}
    lab.enter(start, abrupt=False)
    for step, epoch, indices in lab.batches(len(task)):
        hidden = model.encoder(x[indices])
        strength = weight if step >= start else 0.0
        turned = -strength * hidden + (1 + strength) * hidden.detach()
        loss_class = F.cross_entropy(model.classifier(hidden), task.targets[indices])
        loss_domain = F.binary_cross_entropy_with_logits(
            model.domain(turned).squeeze(-1), domain[indices]
        )
        optimizer.zero_grad()
        (loss_class + loss_domain).backward()
        norm, layers = grad_norms(model)
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        yield Row(
            step,
            float(loss_class.detach() + loss_domain.detach()),
            norm,
            None if clip is None else min(norm, clip),
            optimizer.param_groups[0]["lr"],
            epoch=epoch,
            losses={
                "loss_class": float(loss_class.detach()),
                "loss_domain": float(loss_domain.detach()),
            },
            layers=layers,
        )


# A25: importance ratios of a policy gradient


class GaussianPolicy(nn.Module):
    """Means from the state, a free standard deviation, and a value."""

    def __init__(self, lab: Lab, states: int, actions: int, log_std: float) -> None:
        super().__init__()
        width = lab.draw.one_of(16, 32, 64)
        self.actor = nn.Sequential(
            nn.Linear(states, width), activation(lab.draw), nn.Linear(width, actions)
        )
        self.critic = nn.Sequential(nn.Linear(states, width), nn.Tanh(), nn.Linear(width, 1))
        self.log_std = nn.Parameter(torch.full((actions,), log_std))

    def log_prob(self, states: Tensor, actions: Tensor, floor: float | None) -> Tensor:
        log_std = self.log_std if floor is None else self.log_std.clamp_min(floor)
        z = (actions - self.actor(states)) / log_std.exp()
        logs: Tensor = (-0.5 * z**2 - log_std).sum(dim=-1)
        return logs

    def act(self, states: Tensor, floor: float | None) -> Tensor:
        log_std = self.log_std if floor is None else self.log_std.clamp_min(floor)
        mean: Tensor = self.actor(states)
        return mean + log_std.exp() * torch.randn(mean.shape)


@dataclass
class Bandit:
    """Steer an action to where the state says: the reward falls with the square of the error."""

    states: int
    actions: int
    aim: Tensor

    @classmethod
    def drawn(cls, lab: Lab) -> Bandit:
        states, actions = lab.draw.integer(2, 6), lab.draw.integer(1, 4)
        return cls(states, actions, torch.randn(states, actions) / states**0.5)

    def reward(self, states: Tensor, actions: Tensor) -> Tensor:
        # of order one, as authors scale rewards
        missed = ((actions - states @ self.aim) ** 2).mean(dim=-1)
        return -missed.clamp_max(10) / 3


@dataclass
class Surrogate:
    """How a policy gradient uses its ratios."""

    epochs: int
    clip: float | None = 0.2
    target_kl: float | None = None
    floor: float | None = None
    """Of the policy's log standard deviation."""
    bound: float | None = None
    """Of the log-ratio, before the exponential."""
    max_grad_norm: float | None = None


def ratio_loss(
    log_ratio: Tensor, advantage: Tensor, how: Surrogate
) -> tuple[Tensor, dict[str, float]]:
    """The surrogate objective, negated, and what PPO authors log of it."""
    if how.bound is not None:
        log_ratio = log_ratio.clamp(-how.bound, how.bound)
    ratio = log_ratio.exp()
    gain = ratio * advantage
    if how.clip is not None:
        gain = torch.minimum(gain, ratio.clamp(1 - how.clip, 1 + how.clip) * advantage)
    with torch.no_grad():
        logged = {
            "approx_kl": float((ratio - 1 - log_ratio).mean()),
            "clip_fraction": float(((ratio - 1).abs() > 0.2).float().mean()),
            "ratio_max": float(ratio.max()),
        }
    return -gain.mean(), logged


def ppo(
    lab: Lab,
    policy: GaussianPolicy,
    bandit: Bandit,
    optimizer: torch.optim.Optimizer,
    how: Surrogate,
    synced: Callable[[int], bool] = lambda _: True,
) -> Iterator[Row]:
    """Act, then take some epochs over what happened; a row an optimizer step."""
    step, size = 0, 4 * lab.batch_size
    sampler = [p.detach().clone() for p in policy.parameters()]
    while step < lab.steps:
        current = list(policy.parameters())
        if synced(step):
            sampler = [p.detach().clone() for p in current]
        learned = [p.data for p in current]
        states = torch.randn(size, bandit.states)
        with torch.no_grad():
            for p, old in zip(current, sampler, strict=True):
                p.data = old
            actions = policy.act(states, how.floor)
            if not torch.isfinite(actions).all():
                actions = actions.nan_to_num()
            old_log_prob = policy.log_prob(states, actions, how.floor)
            for p, new in zip(current, learned, strict=True):
                p.data = new
        reward = bandit.reward(states, actions)
        for _ in range(how.epochs):
            stop = False
            for part in torch.randperm(size).split(lab.batch_size):
                value = policy.critic(states[part]).squeeze(-1)
                advantage = reward[part] - value.detach()
                advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                log_ratio = policy.log_prob(states[part], actions[part], how.floor)
                log_ratio = log_ratio - old_log_prob[part]
                policy_loss, logged = ratio_loss(log_ratio, advantage, how)
                value_loss = F.mse_loss(value, reward[part])
                loss = policy_loss + 0.5 * value_loss
                optimizer.zero_grad()
                loss.backward()
                norm, layers = grad_norms(policy)
                if how.max_grad_norm is not None:
                    nn.utils.clip_grad_norm_(policy.parameters(), how.max_grad_norm)
                optimizer.step()
                yield Row(
                    step,
                    float(loss.detach()),
                    norm,
                    rate=optimizer.param_groups[0]["lr"],
                    losses={
                        "policy_loss": float(policy_loss.detach()),
                        "value_loss": float(value_loss.detach()),
                    },
                    layers=layers,
                    extra={
                        **logged,
                        "reward_mean": float(reward.mean()),
                        "log_std": float(policy.log_std.detach().mean()),
                    },
                )
                step += 1
                # the usual 1.5 leaves room for noise of one minibatch
                stop = how.target_kl is not None and logged["approx_kl"] > 1.5 * how.target_kl
                if stop:
                    break
            if stop or step >= lab.steps:
                break


def _ppo_optimizer(lab: Lab, policy: nn.Module, low: float, high: float) -> torch.optim.Optimizer:
    kind = lab.draw.one_of("adam", "adam", "adamw")
    return lab.optimizer_of(policy, kind, lab.draw.log_uniform(low, high))


@failing(
    "A25",
    EXPLODING,
    "policy_ratio_explosion",
    "spikes",
    "clipped ratios, and an end of the epochs at a KL limit",
    learns=False,
)
def ratios_without_clip(lab: Lab) -> Iterator[Row]:
    """Importance ratios, neither clipped nor stopped, through many epochs over one batch."""
    draw = lab.draw
    bandit = Bandit.drawn(lab)
    lab.steps = draw.integer(250, 600)
    policy = GaussianPolicy(lab, bandit.states, bandit.actions, draw.uniform(-1.5, -0.5))
    epochs, limit = draw.integer(15, 60), draw.uniform(0.01, 0.03)
    how = Surrogate(epochs, clip=None)
    if lab.repaired:
        how.clip, how.target_kl, how.bound = 0.2, limit, 20.0
    lab.settings |= {"model": "ppo", "update_epochs": epochs}
    lab.enter(0, abrupt=False)
    optimizer = _ppo_optimizer(lab, policy, 4e-3, 2e-2)
    yield from ppo(lab, policy, bandit, optimizer, how)


@failing(
    "A25",
    EXPLODING,
    "policy_ratio_explosion",
    "spikes",
    "the log standard deviation has a floor",
    learns=False,
)
def policy_deviation_collapse(lab: Lab) -> Iterator[Row]:
    """PPO whose policy becomes ever narrower, so that the least change makes ratios huge."""
    draw = lab.draw
    bandit = Bandit.drawn(lab)
    lab.steps = draw.integer(300, 600)
    policy = GaussianPolicy(lab, bandit.states, bandit.actions, draw.uniform(-2.5, -1.0))
    epochs, floor = draw.integer(4, 15), draw.uniform(-0.7, 0.0)
    how = Surrogate(epochs, max_grad_norm=draw.one_of(None, None, 0.5))
    how.floor = floor if lab.repaired else None
    lab.settings |= {"model": "ppo", "update_epochs": epochs, "clip_range": 0.2}
    lab.enter(0, abrupt=False)
    optimizer = _ppo_optimizer(lab, policy, 3e-3, 2e-2)
    yield from ppo(lab, policy, bandit, optimizer, how)


@failing(
    "A25",
    EXPLODING,
    "policy_ratio_explosion",
    "spikes",
    "the sampler gets the weights before each rollout",
    learns=False,
)
def sampler_left_behind(lab: Lab) -> Iterator[Row]:
    """From some step on the sampler no longer gets new weights: its actions become off-policy."""
    draw = lab.draw
    bandit = Bandit.drawn(lab)
    policy = GaussianPolicy(lab, bandit.states, bandit.actions, draw.uniform(-1.0, -0.2))
    epochs, last = draw.integer(1, 4), lab.middle(0.1, 0.4)
    how = Surrogate(epochs, clip=draw.one_of(0.2, None), bound=draw.one_of(None, 60.0))
    lab.settings |= {"model": "actor_learner", "update_epochs": epochs}
    lab.enter(last, abrupt=False)
    optimizer = _ppo_optimizer(lab, policy, 3e-3, 1.5e-2)
    yield from ppo(lab, policy, bandit, optimizer, how, lambda step: lab.repaired or step < last)


class TokenPolicy(nn.Module):
    """A recurrent policy over tokens."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary + 1, width)
        self.cell = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.head(self.cell(self.embedding(tokens))[0])
        return logits

    @torch.no_grad()
    def sample(self, count: int, time: int, temperature: float) -> tuple[Tensor, Tensor]:
        """Tokens, and the log-probability with which each of them was drawn."""
        start = self.head.out_features
        token = torch.full((count, 1), start)
        tokens, logs, state = [], [], None
        for _ in range(time):
            hidden, state = self.cell(self.embedding(token), state)
            log_probs = F.log_softmax(self.head(hidden[:, -1]) / temperature, dim=-1)
            token = torch.multinomial(log_probs.exp().nan_to_num(1.0), 1)
            tokens.append(token)
            logs.append(log_probs.gather(1, token))
        return torch.cat(tokens, dim=1), torch.cat(logs, dim=1)


@failing(
    "A25",
    EXPLODING,
    "policy_ratio_explosion",
    "spikes",
    "log-probabilities at the temperature of the sampling",
    learns=False,
)
def sampling_temperature_mismatch(lab: Lab) -> Iterator[Row]:
    """GRPO whose sampler and trainer compute log-probabilities at different temperatures."""
    draw = lab.draw
    lab.steps = draw.integer(160, 300)
    vocabulary, time = draw.integer(6, 16), draw.integer(16, 40)
    policy = TokenPolicy(vocabulary, draw.one_of(16, 32))
    policy.head.weight.data.mul_(draw.uniform(2, 6))
    temperature = draw.uniform(1.3, 2.5)
    sampled_at = temperature if draw.maybe(0.7) else 1 / temperature
    trained_at = sampled_at if lab.repaired else 1.0
    how = Surrogate(draw.integer(1, 3), clip=draw.one_of(0.2, None))
    group, groups = 8, draw.integer(2, 4)
    wanted = torch.randint(vocabulary, (time,))
    optimizer = _ppo_optimizer(lab, policy, 1e-3, 8e-3)
    lab.settings |= {"model": "grpo", "temperature": sampled_at, "num_generations": group}
    lab.enter(0, abrupt=False)
    start = torch.full((group * groups, 1), vocabulary)
    for step in range(lab.steps):
        if step % how.epochs == 0:
            tokens, old = policy.sample(group * groups, time, sampled_at)
            reward = (tokens == wanted).float().mean(dim=1)
            by_group = reward.view(groups, group)
            spread = by_group.std(dim=1, keepdim=True) + 1e-4
            advantage = ((by_group - by_group.mean(dim=1, keepdim=True)) / spread).flatten()
        logits = policy(torch.cat([start, tokens[:, :-1]], dim=1)) / trained_at
        log_probs = F.log_softmax(logits, dim=-1).gather(2, tokens[:, :, None]).squeeze(-1)
        # of whole sequences, as in GSPO before it took the mean
        log_ratio = (log_probs - old).sum(dim=1)
        loss, logged = ratio_loss(log_ratio, advantage, how)
        optimizer.zero_grad()
        loss.backward()
        norm, layers = grad_norms(policy)
        optimizer.step()
        yield Row(
            step,
            float(loss.detach()),
            norm,
            rate=optimizer.param_groups[0]["lr"],
            layers=layers,
            extra={**logged, "reward": float(reward.mean())},
        )


# A10: clipping what the loss scale has multiplied


def _scaled(
    lab: Lab,
    task: Task,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    clip: Callable[[], float],
) -> Iterator[Row]:
    """Mixed precision with a clip that comes before or (repaired) after `unscale_`."""
    for step, epoch, indices in lab.batches(len(task)):
        with torch.autocast("cpu", torch.float16):
            output = task.model(task.inputs[indices]).float()
        loss = task.loss(output, task.targets[indices])
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss).backward()
        if lab.repaired:
            scaler.unscale_(optimizer)
        # the author takes what the norm is here, scaled or not
        norm, layers = grad_norms(task.model)
        clipped = clip()
        scaler.step(optimizer)
        scaler.update()
        yield Row(
            step,
            float(loss.detach()),
            norm,
            clipped,
            optimizer.param_groups[0]["lr"],
            float(scaler.get_scale()),
            epoch,
            layers=layers,
        )


def _scaler(lab: Lab) -> torch.amp.GradScaler:
    start = 2.0 ** lab.draw.integer(10, 16)
    return torch.amp.GradScaler(
        "cpu", init_scale=start, growth_interval=lab.draw.one_of(50, 100, 200, 2000)
    )


@failing("A10", EXPLODING, "clipping_before_unscale", "stalls", "unscale_ before the clip")
def norm_clipped_before_unscale(lab: Lab) -> Iterator[Row]:
    """The norm is clipped while gradients still carry the loss scale: steps become tiny."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "transformer")
    limit = lab.draw.log_uniform(0.3, 5)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=lab.draw.uniform(1, 2))
    lab.settings["max_grad_norm"] = limit
    lab.enter(0, abrupt=False)

    def clip() -> float:
        return min(float(nn.utils.clip_grad_norm_(task.model.parameters(), limit)), limit)

    yield from _scaled(lab, task, optimizer, _scaler(lab), clip)


@failing("A10", EXPLODING, "clipping_before_unscale", "stalls", "unscale_ before the clip")
def values_clipped_before_unscale(lab: Lab) -> Iterator[Row]:
    """Each element is clipped while gradients still carry the loss scale."""
    task = lab.task("mlp_regression", "mlp_classification", "autoencoder", "transformer")
    limit = lab.draw.log_uniform(0.05, 1)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=lab.draw.uniform(1, 2))
    lab.settings["clip_value"] = limit
    lab.enter(0, abrupt=False)

    def clip() -> float:
        nn.utils.clip_grad_value_(task.model.parameters(), limit)
        return grad_norms(task.model)[0]

    yield from _scaled(lab, task, optimizer, _scaler(lab), clip)


@failing(
    "A10", EXPLODING, "clipping_before_unscale", "stalls", "the loss scale is divided out first"
)
def own_loss_scale_clipped(lab: Lab) -> Iterator[Row]:
    """A hand-made static loss scale that is divided out only after the clip, from a step on."""
    task = lab.task("mlp_regression", "mlp_classification", "cnn", "rnn", "autoencoder")
    draw = lab.draw
    scale, limit = 2.0 ** draw.integer(8, 15), draw.log_uniform(0.3, 5)
    optimizer = lab.optimizer(task, "sgd", "momentum", factor=draw.uniform(1, 2))
    lab.settings |= {"max_grad_norm": limit, "loss_scale": scale}
    lab.enter(0, abrupt=False)
    parameters = list(task.model.parameters())

    def divide() -> None:
        for p in parameters:
            if p.grad is not None:
                p.grad.div_(scale)

    for step, epoch, indices in lab.batches(len(task)):
        loss = task.loss(task.model(task.inputs[indices]), task.targets[indices])
        optimizer.zero_grad(set_to_none=True)
        (loss * scale).backward()
        if lab.repaired:
            divide()
        norm, layers = grad_norms(task.model)
        nn.utils.clip_grad_norm_(parameters, limit)
        if not lab.repaired:
            divide()
        optimizer.step()
        rate = optimizer.param_groups[0]["lr"]
        yield Row(
            step, float(loss.detach()), norm, min(norm, limit), rate, scale, epoch, layers=layers
        )
