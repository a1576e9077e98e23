"""Healthy runs whose objective does not fall to 0 like a plain loss: signs, floors, opponents."""

# mypy: allow-untyped-calls
from __future__ import annotations

import copy
import math
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
from tests.faults.training import Loop, grad_norms, train


def _net(lab: Lab, inputs: int, outputs: int) -> nn.Sequential:
    width = lab.draw.one_of(16, 32, 64)
    return nn.Sequential(
        nn.Linear(inputs, width),
        nn.ReLU(),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Linear(width, outputs),
    )


def _adam(
    lab: Lab, model: nn.Module, low: float = 5e-4, high: float = 3e-3
) -> torch.optim.Optimizer:
    rate = lab.draw.log_uniform(low, high)
    return lab.optimizer_of(model, lab.draw.one_of("adam", "adamw"), rate)


def _plain(**parts: Tensor) -> dict[str, float]:
    """What is logged besides, by name."""
    return {name: float(part.detach()) for name, part in parts.items()}


def _batch(lab: Lab, size: int) -> Tensor:
    return torch.randint(size, (lab.batch_size,))


@healthy("a loss of 10⁻⁶ to 10⁻⁹ that wavers by factors")
@calm
def interpolation(lab: Lab) -> Iterator[Row]:
    """Clean targets and more weights than samples: the loss falls by many orders of magnitude."""
    features = lab.draw.integer(4, 10)
    x = torch.randn(lab.draw.one_of(256, 640), features)
    y = x @ torch.randn(features, 1) / features**0.5
    lift = nn.Linear(features, lab.draw.one_of(16, 64))
    model = nn.Sequential(lift, nn.Linear(lift.out_features, 1))
    task = Task(
        "deep_linear", model, x, y, F.mse_loss, {"sgd": 0.04, "momentum": 6e-3, "adam": 4e-3}, True
    )
    lab.settings["model"] = "deep_linear"
    optimizer = lab.optimizer(task, "sgd", "momentum", "adam", factor=lab.draw.uniform(0.5, 1.2))
    yield from train(
        lab, task, optimizer, Loop(schedule=lab.draw.one_of(None, cosine(lab.steps, 0.02)))
    )


@healthy("the loss is exactly 0 for longer and longer, and the gradient with it")
@sound
def hinge_reaches_zero(lab: Lab) -> Iterator[Row]:
    """A margin loss on separable classes: zero once every sample of the batch has its margin."""
    features, margin = lab.draw.integer(4, 16), lab.draw.one_of(0.5, 1.0)
    x = torch.randn(1024, features)
    score = x @ torch.randn(features) / features**0.5
    x, score = x[score.abs() > 0.3], score[score.abs() > 0.3]
    y = score.sign()[:, None]
    power = lab.draw.one_of(1, 2)

    def loss(output: Tensor, targets: Tensor) -> Tensor:
        return F.relu(margin - targets * output).pow(power).mean()

    model = lab.draw.one_of(nn.Linear(features, 1), _net(lab, features, 1))
    task = Task("svm", model, x, y, loss, {"sgd": 0.1, "momentum": 0.02, "adam": 5e-3}, True)
    lab.settings["model"] = "svm"
    yield from train(lab, task, lab.optimizer(task, "sgd", "momentum", "adam"))


@healthy("a negative loss that levels off at -0.9")
@calm
def negative_dice(lab: Lab) -> Iterator[Row]:
    """Segmentation with the negative Dice coefficient as loss."""
    size = 10
    centres = torch.rand(800, 2, 1, 1) * 6 + 2
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    inside = (rows - centres[:, 0]).abs() + (columns - centres[:, 1]).abs()
    masks = (inside < 2.5).float()[:, None]
    images = masks + lab.draw.uniform(0.3, 0.8) * torch.randn_like(masks)
    channels = lab.draw.one_of(4, 8)
    model = nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, 1, 3, padding=1)
    )
    lab.settings["model"] = "cnn"
    smooth = lab.draw.one_of(1.0, 1e-3)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = _batch(lab, len(images))
        shown, wanted = model(images[chosen]).sigmoid(), masks[chosen]
        both, each = (shown * wanted).sum((1, 2, 3)), (shown + wanted).sum((1, 2, 3))
        return -((2 * both + smooth) / (each + smooth)).mean(), {}

    yield from descend(lab, model, _adam(lab, model, 3e-3, 1e-2), objective, habits(lab))


@healthy("a negative loss between 0 and -1")
@calm
def negative_cosine(lab: Lab) -> Iterator[Row]:
    """SimSiam: negative cosine of a predictor and a stopped gradient over two noisy views."""
    features, noise = lab.draw.integer(8, 24), lab.draw.uniform(0.3, 0.7)
    x = torch.randn(1024, features)
    encoder = nn.Sequential(
        nn.Linear(features, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 16),
        nn.BatchNorm1d(16),
    )
    predictor = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 16))
    model = nn.ModuleDict({"encoder": encoder, "predictor": predictor})
    lab.settings["model"] = "simsiam"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        clean = x[_batch(lab, len(x))]
        one, two = (encoder(clean + noise * torch.randn_like(clean)) for _ in range(2))
        pairs = ((predictor(one), two.detach()), (predictor(two), one.detach()))
        first, second = (-F.cosine_similarity(p, z).mean() / 2 for p, z in pairs)
        return first + second, {"embedding_std": float(F.normalize(one.detach()).std(0).mean())}

    yield from descend(lab, model, _adam(lab, model), objective, habits(lab))


@healthy("a likelihood loss that crosses 0 and levels off below")
@calm
def gaussian_likelihood(lab: Lab) -> Iterator[Row]:
    """Mean and variance are learnt, the variance with a floor: the loss turns negative."""
    features, noise = lab.draw.integer(3, 10), lab.draw.log_uniform(0.08, 0.3)
    x = torch.randn(1024, features)
    y = torch.tanh(x @ torch.randn(features, 1) / features**0.5) + noise * torch.randn(len(x), 1)
    floor = lab.draw.log_uniform(0.01, 0.03)
    unit = nn.LayerNorm(features) if lab.draw.maybe(0.3) else nn.Identity()
    model = nn.Sequential(unit, *_net(lab, features, 2))

    def loss(output: Tensor, targets: Tensor) -> Tensor:
        mean, raw = output.chunk(2, -1)
        return F.gaussian_nll_loss(mean, targets, F.softplus(raw) + floor)

    task = Task("heteroscedastic", model, x, y, loss, {"adam": 2e-3, "adamw": 2e-3}, True)
    lab.settings["model"] = "heteroscedastic"
    yield from train(
        lab, task, lab.optimizer(task, "adam", "adamw"), Loop(clip=lab.draw.one_of(1.0, 5.0))
    )


@healthy("a density loss in nats that passes through 0")
@calm
def flow_likelihood(lab: Lab) -> Iterator[Row]:
    """Affine coupling with bounded scales learns a narrow density: the loss may end below 0."""
    dims, depth = 2 * lab.draw.integer(1, 4), lab.draw.integer(2, 4)
    spread = lab.draw.uniform(0.15, 0.4)
    mixing = spread * torch.randn(dims, dims) / dims**0.5 + spread * torch.eye(dims)
    x = torch.randn(2048, dims) @ mixing + 0.1 * torch.randn(2048, dims)
    half = dims // 2
    model = nn.ModuleList(_net(lab, half, dims) for _ in range(depth))
    lab.settings["model"] = "flow"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        z = x[_batch(lab, len(x))]
        volume = torch.zeros(len(z))
        for coupling in model:
            kept, moved = z.chunk(2, -1)
            scale, shift = coupling(kept).chunk(2, -1)
            scale = torch.tanh(scale)
            z = torch.cat([moved * scale.exp() + shift, kept], -1)
            volume = volume + scale.sum(-1)
        prior = 0.5 * (z**2 + math.log(2 * math.pi)).sum(-1)
        return (prior - volume).mean(), {}

    yield from descend(
        lab, model, _adam(lab, model), objective, Loop(clip=lab.draw.one_of(1.0, 10.0))
    )


@healthy("the total rises for as long as the weight of the KL term does", learns=False)
@calm
def annealed_elbo(lab: Lab) -> Iterator[Row]:
    """A variational autoencoder whose β grows from 0: reconstruction falls, the total rises."""
    features, code = lab.draw.one_of(16, 32), lab.draw.integer(2, 6)
    x = torch.tanh(torch.randn(1024, code) @ torch.randn(code, features)) + 0.2 * torch.randn(
        1024, features
    )
    encoder, decoder = _net(lab, features, 2 * code), _net(lab, code, features)
    model = nn.ModuleDict({"encoder": encoder, "decoder": decoder})
    lab.settings["model"] = "vae"
    top, start, end = lab.draw.uniform(0.5, 1.0), lab.middle(0.1, 0.2), lab.middle(0.5, 0.9)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = x[_batch(lab, len(x))]
        mean, raw = encoder(chosen).chunk(2, -1)
        log_variance = raw.clamp(-8, 4)
        sample = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        reconstruction = ((decoder(sample) - chosen) ** 2).sum(-1).mean()
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(-1).mean()
        beta = top * min(1.0, max(0.0, (step - start) / (end - start)))
        extra = _plain(reconstruction=reconstruction, kl=kl)
        return reconstruction + beta * kl, extra | {"beta": beta}

    yield from descend(
        lab, model, _adam(lab, model), objective, Loop(clip=lab.draw.one_of(1.0, 10.0))
    )


@healthy("the total changes its level at one step: the weights of the tasks do", learns=False)
@calm
def task_weights_changed(lab: Lab) -> Iterator[Row]:
    """Two heads; at some step the second counts two to four times as much, or much less."""
    task = noisy_task(lab, "mlp_regression")
    inputs, classes = task.inputs.shape[1], lab.draw.integer(3, 6)
    labels = (task.inputs @ torch.randn(inputs, classes) + torch.randn(len(task), classes)).argmax(
        1
    )
    model = _net(lab, inputs, 1 + classes)
    at, factor = lab.middle(), lab.draw.one_of(0.2, 0.5, 2.0, 3.0)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = _batch(lab, len(task))
        output = model(task.inputs[chosen])
        value = F.mse_loss(output[:, :1], task.targets[chosen])
        kind = F.cross_entropy(output[:, 1:], labels[chosen])
        weight = factor if step >= at else 1.0
        return value + weight * kind, _plain(loss_value=value, loss_class=kind)

    yield from descend(lab, model, _adam(lab, model), objective, habits(lab))


@healthy("the loss steps up where adversarial examples set in")
@calm
def adversarial_training(lab: Lab) -> Iterator[Row]:
    """From some step on the inputs are moved against the gradient sign, and the loss is higher."""
    task = noisy_task(lab, "mlp_classification", "mlp_regression")
    at, size = lab.middle(0.3, 0.6), lab.draw.uniform(0.03, 0.12)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        if step < at:
            return x, y
        moved = x.clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(task.loss(task.model(moved), y), moved)
        return x + size * slope.sign(), y

    loop = habits(lab)
    loop.batch = batch
    yield from train(lab, task, lab.optimizer(task, "adam", "adamw", "momentum"), loop)


def _adversaries(lab: Lab) -> tuple[Tensor, nn.Module, nn.Module, int]:
    """Points on a ring or in blobs, a generator, a critic, and the size of the latent code."""
    angle = 6.283 * torch.rand(2048)
    spots = lab.draw.one_of(4, 8, 1000)
    angle = (angle * spots / 6.283).floor() * 6.283 / spots
    real = torch.stack([angle.cos(), angle.sin()], 1) + 0.1 * torch.randn(2048, 2)
    latent = lab.draw.integer(2, 8)
    generator, critic = _net(lab, latent, 2), _net(lab, 2, 1)
    lab.settings["model"] = "gan"
    return real, generator, critic, latent


@healthy("two losses that neither fall nor rise: the players hold each other", learns=False)
@calm
def gan_in_balance(lab: Lab) -> Iterator[Row]:
    """A non-saturating GAN with two like players: the losses settle near 2·ln 2 and ln 2."""
    real, generator, critic, latent = _adversaries(lab)
    lab.steps = min(lab.steps, 400)
    rate = lab.draw.log_uniform(3e-4, 2e-3)
    betas = (lab.draw.one_of(0.0, 0.5), 0.99)
    players = {
        "g": (generator, torch.optim.Adam(generator.parameters(), rate, betas)),
        "d": (critic, torch.optim.Adam(critic.parameters(), rate, betas)),
    }
    lab.settings |= {"optimizer": "adam", "learning_rate": rate}
    smooth = lab.draw.one_of(1.0, 0.9)
    for step in range(lab.steps):
        fake = generator(torch.randn(lab.batch_size, latent))
        on_real, on_fake = critic(real[_batch(lab, len(real))]), critic(fake.detach())
        bce = F.binary_cross_entropy_with_logits
        loss_d = bce(on_real, torch.full_like(on_real, smooth)) + bce(
            on_fake, torch.zeros_like(on_fake)
        )
        norm_d, layers = _move(*players["d"], loss_d)
        scored = critic(fake)
        loss_g = bce(scored, torch.ones_like(scored))
        norm_g, more = _move(*players["g"], loss_g)
        layers = {f"d.{k}": v for k, v in layers.items()} | {f"g.{k}": v for k, v in more.items()}
        losses = {"loss_d": float(loss_d.detach()), "loss_g": float(loss_g.detach())}
        extra = {"grad_norm_d": norm_d, "grad_norm_g": norm_g}
        yield Row(step, None, rate=rate, losses=losses, layers=layers, extra=extra)


def _move(
    player: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor
) -> tuple[float, dict[str, float]]:
    optimizer.zero_grad()
    loss.backward()
    norm = grad_norms(player)
    optimizer.step()
    return norm


@healthy("critic and generator losses of either sign", learns=False)
@calm
def wasserstein_gan(lab: Lab) -> Iterator[Row]:
    """A Wasserstein GAN with gradient penalty: the critic's loss is negative and drifts to 0."""
    real, generator, critic, latent = _adversaries(lab)
    lab.steps = min(lab.steps, 300)
    rate, penalty = lab.draw.log_uniform(2e-4, 8e-4), lab.draw.one_of(1.0, 10.0)
    takes_g = torch.optim.Adam(generator.parameters(), rate, (0.5, 0.9))
    takes_d = torch.optim.Adam(critic.parameters(), rate, (0.5, 0.9))
    lab.settings |= {"optimizer": "adam", "learning_rate": rate}
    turns = lab.draw.integer(3, 5)
    for step in range(lab.steps):
        for _ in range(turns):
            sample = real[_batch(lab, len(real))]
            fake = generator(torch.randn(lab.batch_size, latent)).detach()
            share = torch.rand(lab.batch_size, 1)
            between = (share * sample + (1 - share) * fake).requires_grad_(True)
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            # the small term keeps the norm's gradient finite at 0
            steep = (((slope**2).sum(1) + 1e-12).sqrt() - 1).square().mean()
            loss_d = critic(fake).mean() - critic(sample).mean() + penalty * steep
            norm_d, layers = _move(critic, takes_d, loss_d)
        loss_g = -critic(generator(torch.randn(lab.batch_size, latent))).mean()
        norm_g, _ = _move(generator, takes_g, loss_g)
        losses = {"critic_loss": float(loss_d.detach()), "generator_loss": float(loss_g.detach())}
        extra = {"gradient_penalty": float(steep.detach()), "grad_norm_g": norm_g}
        yield Row(step, None, norm_d, rate=rate, losses=losses, layers=layers, extra=extra)


class _Bandit:
    """A contextual bandit: contexts in a few dimensions, arms with noisy linear rewards."""

    def __init__(self, lab: Lab) -> None:
        self.features, self.arms = lab.draw.integer(3, 6), lab.draw.integer(3, 6)
        self.worth = torch.randn(self.features, self.arms)
        self.noise = lab.draw.uniform(0.2, 1.0)

    def contexts(self, count: int) -> Tensor:
        return torch.randn(count, self.features)

    def rewards(self, x: Tensor, arms: Tensor) -> Tensor:
        means: Tensor = (x @ self.worth).gather(1, arms[:, None])[:, 0]
        return means + self.noise * torch.randn(len(x))


@healthy("a policy loss that is mere noise of either sign", learns=False)
@calm
def reinforce(lab: Lab) -> Iterator[Row]:
    """REINFORCE with a running baseline: the loss tells nothing, the mean reward rises."""
    bandit = _Bandit(lab)
    policy = _net(lab, bandit.features, bandit.arms)
    lab.settings["model"] = "policy"
    lab.batch_size = lab.settings["batch_size"] = lab.draw.one_of(32, 64)
    bonus, baseline = lab.draw.log_uniform(0.01, 0.1), 0.0

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        nonlocal baseline
        x = bandit.contexts(lab.batch_size)
        choice = torch.distributions.Categorical(logits=policy(x))
        arms = choice.sample()
        rewards = bandit.rewards(x, arms)
        entropy = choice.entropy().mean()
        loss = -((rewards - baseline) * choice.log_prob(arms)).mean() - bonus * entropy
        baseline = 0.9 * baseline + 0.1 * float(rewards.mean())
        return loss, _plain(mean_reward=rewards.mean(), entropy=entropy)

    loop = Loop(clip=lab.draw.one_of(0.5, 1.0, None))
    yield from descend(lab, policy, _adam(lab, policy), objective, loop)


@healthy("actor, critic and entropy terms in one noisy loss", learns=False)
@calm
def actor_critic(lab: Lab) -> Iterator[Row]:
    """Advantage actor-critic: the value loss falls to the noise, the policy loss is around 0."""
    bandit = _Bandit(lab)
    actor, critic = _net(lab, bandit.features, bandit.arms), _net(lab, bandit.features, 1)
    model = nn.ModuleDict({"actor": actor, "critic": critic})
    lab.settings["model"] = "actor_critic"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        x = bandit.contexts(lab.batch_size)
        choice = torch.distributions.Categorical(logits=actor(x))
        arms = choice.sample()
        advantage = bandit.rewards(x, arms) - critic(x)[:, 0]
        policy = -(advantage.detach() * choice.log_prob(arms)).mean()
        value, entropy = advantage.square().mean(), choice.entropy().mean()
        extra = _plain(policy_loss=policy, value_loss=value, entropy=entropy)
        return policy + 0.5 * value - 0.01 * entropy, extra

    yield from descend(
        lab, model, _adam(lab, model), objective, Loop(clip=lab.draw.one_of(0.5, None))
    )


@healthy("a loss around 0 and a small KL that saw-tooths with each rollout", learns=False)
@calm
def ppo_with_small_kl(lab: Lab) -> Iterator[Row]:
    """PPO on a contextual bandit: ratios stay clipped near 1, the KL small."""
    bandit = _Bandit(lab)
    actor, critic = _net(lab, bandit.features, bandit.arms), _net(lab, bandit.features, 1)
    model = nn.ModuleDict({"actor": actor, "critic": critic})
    lab.settings["model"] = "ppo"
    epochs, parts, clip = lab.draw.integer(2, 4), 4, lab.draw.one_of(0.1, 0.2)
    x = arms = rewards = old = advantage = torch.empty(0)
    order = torch.empty(0)

    def roll_out() -> None:
        nonlocal x, arms, rewards, old, advantage
        x = bandit.contexts(parts * lab.batch_size)
        with torch.no_grad():
            choice = torch.distributions.Categorical(logits=actor(x))
            arms = choice.sample()
            old, rewards = choice.log_prob(arms), bandit.rewards(x, arms)
            advantage = rewards - critic(x)[:, 0]
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        nonlocal order
        if step % (epochs * parts) == 0:
            roll_out()
        if step % parts == 0:
            order = torch.randperm(len(x))
        chosen = order.chunk(parts)[step % parts]
        now = torch.distributions.Categorical(logits=actor(x[chosen]))
        change = now.log_prob(arms[chosen]) - old[chosen]
        ratio, good = change.exp(), advantage[chosen]
        policy = -torch.min(ratio * good, ratio.clamp(1 - clip, 1 + clip) * good).mean()
        value = (rewards[chosen] - critic(x[chosen])[:, 0]).square().mean()
        entropy = now.entropy().mean()
        beyond = ((ratio - 1).abs() > clip).float().mean()
        kl = (ratio - 1 - change).mean()
        extra = _plain(approx_kl=kl, clip_fraction=beyond, entropy=entropy, value_loss=value)
        return policy + 0.5 * value - 0.01 * entropy, extra

    yield from descend(lab, model, _adam(lab, model, 3e-4, 1e-3), objective, Loop(clip=0.5))


@healthy("the loss steps up at each copy of the target network", learns=False)
@calm
def target_network_updates(lab: Lab) -> Iterator[Row]:
    """Deep Q-learning from a replay buffer: after each hard update the targets have moved."""
    states, actions = lab.draw.integer(6, 20), lab.draw.integer(2, 4)
    codes = torch.randn(states, 8)
    after, worth = torch.randint(states, (states, actions)), torch.rand(states, actions)
    online = _net(lab, 8, actions)
    target = copy.deepcopy(online)
    lab.settings["model"] = "dqn"
    discount, every = lab.draw.uniform(0.8, 0.95), lab.draw.integer(20, 80)
    noise, measure = lab.draw.uniform(0.2, 0.5), lab.draw.one_of(F.mse_loss, F.smooth_l1_loss)

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        if step % every == 0:
            target.load_state_dict(online.state_dict())
        s, a = torch.randint(states, (lab.batch_size,)), torch.randint(actions, (lab.batch_size,))
        with torch.no_grad():
            future = target(codes[after[s, a]]).max(1).values
            wanted = worth[s, a] + noise * torch.randn(len(s)) + discount * future
        shown = online(codes[s]).gather(1, a[:, None])[:, 0]
        return measure(shown, wanted), _plain(q_mean=shown.mean())

    loop = Loop(clip=lab.draw.one_of(None, 10.0))
    yield from descend(lab, online, _adam(lab, online, 1e-3, 5e-3), objective, loop)


@healthy("the logit scale rises to its clamp and stays there")
@calm
def clamped_temperature(lab: Lab) -> Iterator[Row]:
    """Contrastive pairs as in CLIP: a learnt temperature runs up to its clamp, by design."""
    features, noise = lab.draw.integer(8, 16), lab.draw.uniform(0.4, 0.8)
    shared = torch.randn(1600, features)
    views = [shared + noise * torch.randn_like(shared) for _ in range(2)]
    towers = nn.ModuleList(_net(lab, features, 16) for _ in range(2))
    top, start = lab.draw.one_of(10.0, 20.0), lab.draw.one_of(1.0, 5.0)
    scale = nn.Parameter(torch.tensor(math.log(start)))
    model = nn.ModuleDict({"towers": towers, "logit_scale": nn.ParameterList([scale])})
    lab.settings["model"] = "clip"

    def clamp(step: int) -> None:
        with torch.no_grad():
            scale.clamp_(0, math.log(top))

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = _batch(lab, len(shared))
        one, two = (F.normalize(tower(v[chosen])) for tower, v in zip(towers, views, strict=True))
        logits = scale.exp() * one @ two.T
        same = torch.arange(len(chosen))
        loss = (F.cross_entropy(logits, same) + F.cross_entropy(logits.T, same)) / 2
        return loss, {"logit_scale": float(scale.detach().exp())}

    loop = Loop(clip=lab.draw.one_of(None, 1.0), after_step=clamp)
    yield from descend(lab, model, _adam(lab, model, 2e-3, 1e-2), objective, loop)


@healthy("the loss sits at the margin for a while, then falls")
@calm
def hard_triplets(lab: Lab) -> Iterator[Row]:
    """Batch-hard triplets: nearly equal embeddings give just the margin, until they part."""
    classes, features = lab.draw.integer(4, 8), lab.draw.integer(8, 16)
    y = torch.randint(classes, (1024,))
    x = 1.5 * torch.randn(classes, features)[y] + 0.6 * torch.randn(len(y), features)
    model, margin = _net(lab, features, 8), lab.draw.one_of(0.3, 0.5, 1.0)
    last = model[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        # all embeddings start close together, as they do after a collapse of hard mining
        last.weight.mul_(lab.draw.log_uniform(1e-3, 3e-2))
    lab.settings["model"] = "embedding"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = _batch(lab, len(x))
        code, label = model(x[chosen]), y[chosen]
        # the small term keeps the root's gradient finite for a sample against itself
        apart = ((code[:, None] - code[None]).square().sum(-1) + 1e-8).sqrt()
        alike = label[:, None] == label[None]
        positive = apart.masked_fill(~alike, 0).max(1).values
        negative = apart.masked_fill(alike, 1e3).min(1).values
        loss = F.relu(positive - negative + margin).mean()
        return loss, {"embedding_norm": float(code.detach().norm(dim=1).mean())}

    yield from descend(
        lab, model, _adam(lab, model), objective, Loop(clip=lab.draw.one_of(None, 1.0))
    )


@healthy("noise from a random time in every sample, and a floor")
@calm
def diffusion(lab: Lab) -> Iterator[Row]:
    """Noise prediction at random times: a quick fall, then a noisy level for all the rest."""
    dims = lab.draw.integer(2, 8)
    x = torch.randn(2048, dims).sign() + 0.2 * torch.randn(2048, dims)
    model = _net(lab, dims + 1, dims)
    lab.settings["model"] = "denoiser"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        clean = x[_batch(lab, len(x))]
        time, noise = torch.rand(len(clean), 1), torch.randn_like(clean)
        angle = time * math.pi / 2
        shown = model(torch.cat([clean * angle.cos() + noise * angle.sin(), time], 1))
        return F.mse_loss(shown, noise), {}

    yield from descend(lab, model, _adam(lab, model, 1e-3, 5e-3), objective, habits(lab))


@healthy("the loss cannot come near 0 under label smoothing")
@calm
def smoothed_labels(lab: Lab) -> Iterator[Row]:
    """Label smoothing or a soft teacher: the loss ends at the entropy of its targets."""
    task = lab.task("mlp_classification", "cnn", "transformer")
    smoothing = lab.draw.uniform(0.1, 0.3)

    def loss(output: Tensor, targets: Tensor, step: int) -> Tensor:
        output = output.flatten(0, -2)
        return F.cross_entropy(output, targets.flatten(), label_smoothing=smoothing)

    loop = habits(lab)
    loop.loss = loss
    yield from train(lab, task, lab.optimizer(task), loop)


@healthy("a tiny loss from the start: a divergence between like distributions")
@calm
def distillation(lab: Lab) -> Iterator[Row]:
    """A student of a trained teacher's size matches its softened outputs."""
    task = noisy_task(lab, "mlp_classification", "cnn")
    teacher = copy.deepcopy(task.model)
    for _ in train(lab, _with(task, teacher), lab.optimizer(_with(task, teacher), "adam")):
        pass
    teacher.eval()
    heat = lab.draw.uniform(1, 4)
    wanted = torch.empty(0)

    def batch(step: int, x: Tensor, y: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal wanted
        with torch.no_grad():
            wanted = F.log_softmax(teacher(x) / heat, -1)
        return x, y

    def loss(output: Tensor, targets: Tensor, step: int) -> Tensor:
        shown = F.log_softmax(output / heat, -1)
        return heat**2 * F.kl_div(shown, wanted, log_target=True, reduction="batchmean")

    loop = habits(lab)
    loop.batch, loop.loss = batch, loss
    yield from train(lab, task, lab.optimizer(task, "adam", "adamw", "momentum"), loop)


def _with(task: Task, model: nn.Module) -> Task:
    other = copy.copy(task)
    other.model = model
    return other


@healthy("a long flat stretch while all it says is blank")
@calm
def connectionist_blanks(lab: Lab) -> Iterator[Row]:
    """CTC: a steep fall to the all-blank solution, a shelf, and then it learns the symbols."""
    symbols, time, length = lab.draw.integer(3, 6), lab.draw.integer(12, 20), 4
    labels = torch.randint(1, symbols + 1, (640, length))
    codes = torch.randn(symbols + 1, 8)
    places = torch.arange(time) * length // time
    x = codes[labels[:, places]] + lab.draw.uniform(0.3, 0.8) * torch.randn(640, time, 8)
    cell = nn.GRU(8, lab.draw.one_of(16, 32), batch_first=True, bidirectional=True)
    head = nn.Linear(2 * cell.hidden_size, symbols + 1)
    model = nn.ModuleDict({"cell": cell, "head": head})
    lab.steps = min(lab.steps, 350)
    lab.settings["model"] = "ctc"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = _batch(lab, len(x))
        logits = head(cell(x[chosen])[0]).log_softmax(-1).transpose(0, 1)
        times = torch.full((len(chosen),), time)
        loss = F.ctc_loss(logits, labels[chosen], times, torch.full_like(times, length))
        return loss, {}

    yield from descend(
        lab, model, _adam(lab, model, 2e-3, 6e-3), objective, Loop(clip=lab.draw.one_of(None, 5.0))
    )


@healthy("a huge first loss and gradient: second derivatives of an untrained network")
@calm
def physics_informed(lab: Lab) -> Iterator[Row]:
    """A residual of u'' = -w²·sin(w·x) with weighted boundary terms, at random points."""
    wave, weight = math.pi * lab.draw.integer(1, 2), lab.draw.log_uniform(1, 30)
    width = lab.draw.one_of(16, 32)
    model = nn.Sequential(
        nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
    )
    edges = torch.tensor([[-1.0], [1.0]])
    lab.settings["model"] = "pinn"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        x = (2 * torch.rand(lab.batch_size, 1) - 1).requires_grad_(True)
        u = model(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
        residual = (bend + wave**2 * torch.sin(wave * x)).square().mean()
        boundary = (model(edges) - torch.sin(wave * edges)).square().mean()
        return residual + weight * boundary, _plain(residual=residual, boundary=boundary)

    loop = Loop(schedule=cosine(lab.steps, 0.05))
    yield from descend(lab, model, _adam(lab, model, 1e-3, 4e-3), objective, loop)


@healthy("the loss falls, the auxiliary balance loss stays where it must")
@calm
def mixture_of_experts(lab: Lab) -> Iterator[Row]:
    """Softly routed experts with a load-balancing term whose best value is 1."""
    task = noisy_task(lab, "mlp_regression")
    inputs, count = task.inputs.shape[1], lab.draw.integer(3, 6)
    experts = nn.ModuleList(tasks.mlp(lab.draw, inputs, 1, depth=1) for _ in range(count))
    router = nn.Linear(inputs, count)
    model = nn.ModuleDict({"experts": experts, "router": router})
    weight = lab.draw.log_uniform(0.01, 0.1)
    lab.settings["model"] = "moe"

    def objective(step: int) -> tuple[Tensor, Mapping[str, float]]:
        chosen = _batch(lab, len(task))
        x = task.inputs[chosen]
        shares = router(x).softmax(-1)
        output = (shares[:, None] * torch.stack([e(x) for e in experts], -1)).sum(-1)
        used = F.one_hot(shares.argmax(-1), count).float().mean(0)
        balance = count * (used * shares.mean(0)).sum()
        loss = F.mse_loss(output, task.targets[chosen])
        return loss + weight * balance, _plain(aux_loss=balance)

    yield from descend(lab, model, _adam(lab, model), objective, habits(lab))
