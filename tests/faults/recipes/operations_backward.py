"""C3, C4, C7, C19, C20, B11 and D9: operations with a fine value and an undefined gradient."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.faults.lab import Lab
from tests.faults.recipe import Row, failing
from tests.faults.recipes.operations_forward import (
    INF,
    UNSTABLE,
    Around,
    Watch,
    clusters,
    curve,
    few_of,
    growing_levels,
    named,
    one_epoch,
    raise_bias,
    tuned,
)
from tests.faults.tasks import SGD_AND_ADAM, Task, mlp
from tests.faults.training import Batch, Loop, grad_norms

UNDEFINED_GRADIENT = "undefined_gradient"
CAREFUL = SGD_AND_ADAM | {"sgd": 0.02, "momentum": 0.003}


@failing("C4", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-12 is added under the root")
def distance_of_identical_pair(lab: Lab) -> Iterator[Row]:
    """A contrastive loss takes the root of squared differences, and a pair is one sample twice."""
    watch = Watch(lab, by_sample=True)
    classes, features, size = lab.draw.integer(3, 8), lab.draw.integer(4, 16), one_epoch(lab)
    first, label = clusters(lab.draw, size, classes, features)
    other = torch.randint(size, (size,))
    # half of the pairs are of one class
    order = torch.argsort(label)
    near = torch.empty(size, dtype=torch.long)
    near[order] = order.roll(lab.draw.integer(1, 9))
    other = torch.where(torch.rand(size) < 0.5, near, other)
    same_sample = few_of(lab, size)
    other[same_sample] = same_sample
    x, y = torch.cat([first, first[other]], 1), (label == label[other]).float()
    margin, eps = lab.draw.uniform(0.5, 3), 1e-12 if lab.repaired else 0.0

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        a, b = (body(half) for half in x.chunk(2, dim=1))
        squared = ((a - b) ** 2).sum(1)
        watch(squared == 0)
        return torch.sqrt(squared + eps)

    def loss(distance: Tensor, y: Tensor) -> Tensor:
        return (y * distance**2 + (1 - y) * F.relu(margin - distance) ** 2).mean()

    model = Around(forward, mlp(lab.draw, features, lab.draw.integer(2, 16)))
    task = named(lab, Task("siamese", model, x, y, loss, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task))


@failing("B11", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-12 is added under the root")
def duplicates_among_pairwise_distances(lab: Lab) -> Iterator[Row]:
    """Sampling with replacement puts one sample twice into a batch whose pairs are compared."""
    watch = Watch(lab, by_sample=True)
    classes, features = lab.draw.integer(3, 6), lab.draw.integer(4, 16)
    pairs = lab.batch_size * (lab.batch_size - 1) / 2
    size = min(60_000, round(pairs * lab.steps * lab.draw.uniform(0.1, 0.8)))
    x, y = clusters(lab.draw, size, classes, features)
    margin, eps = lab.draw.uniform(0.5, 3), 1e-12 if lab.repaired else 0.0
    row, column = torch.triu_indices(lab.batch_size, lab.batch_size, 1)

    def sample(step: int, old_x: Tensor, old_y: Tensor, indices: Tensor) -> Batch:
        watch.indices = torch.randint(size, indices.shape)
        return x[watch.indices], y[watch.indices]

    def loss(z: Tensor, y: Tensor) -> Tensor:
        squared = ((z[:, None] - z[None]) ** 2).sum(2)
        watch(squared + torch.eye(len(z)) == 0)
        distance = torch.sqrt(squared[row, column] + eps)
        same = y[row] == y[column]
        return torch.where(same, distance, F.relu(margin - distance)).mean()

    body = mlp(lab.draw, features, lab.draw.integer(2, 16))
    task = named(lab, Task("metric_learning", body, x, y, loss, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task), Loop(batch=sample))


@failing("C7", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "the cosine is clamped to ±(1 - 1e-6)")
def angle_of_aligned_vectors(lab: Lab) -> Iterator[Row]:
    """An angular error acos(cos) is learned until a predicted direction is exactly right."""
    watch = Watch(lab)
    dimensions, features = lab.draw.one_of(2, 2, 3), lab.draw.integer(3, 10)
    x = torch.randn(one_epoch(lab), features)
    y = torch.tanh(x @ torch.randn(features, dimensions)) + torch.randn(dimensions)
    y = F.normalize(y + lab.draw.log_uniform(0.003, 0.1) * torch.randn(y.shape))
    bound = 1 - 1e-6 if lab.repaired else 1.0
    squared = lab.draw.maybe(0.3)

    def loss(out: Tensor, y: Tensor) -> Tensor:
        cosine = (F.normalize(out, eps=1e-6) * y).sum(1)
        watch(cosine >= 1)
        watch.note("cosine_max", cosine.max())
        angle = torch.acos(cosine.clamp(-bound, bound))
        return (angle**2 if squared else angle).mean()

    body = mlp(lab.draw, features, dimensions)
    task = named(lab, Task("direction", body, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C7", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "the haversine is at least 1e-12")
def great_circle_distance_of_equal_places(lab: Lab) -> Iterator[Row]:
    """A haversine distance, 2·asin(sqrt(h)), is trained on, and a place is predicted exactly."""
    watch = Watch(lab)
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(3, 10), 2)
    # places are given on a coarse grid, as are the predictions
    grid = lab.draw.log_uniform(0.004, 0.04)
    y = (y / grid).round() * grid
    least = 1e-12 if lab.repaired else 0.0

    def loss(out: Tensor, y: Tensor) -> Tensor:
        # straight through: the value of the grid, the gradient of the output
        out = ((out / grid).round() * grid).detach() + (out - out.detach())
        way = torch.sin((out - y) / 2) ** 2
        h = way[:, 0] + torch.cos(out[:, 0]) * torch.cos(y[:, 0]) * way[:, 1]
        watch(h == 0)
        return 2 * torch.asin(torch.sqrt(h.clamp_min(least))).mean()

    body = mlp(lab.draw, x.shape[1], 2)
    raise_bias(body, lab.draw.one_of(-1.0, 0.7, 1.2))
    task = named(lab, Task("geolocation", body, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C19", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "the root gets a 1 where it is masked")
def where_guarded_root(lab: Lab) -> Iterator[Row]:
    """where(x > 0, sqrt(x), 0) hides the root of a negative prediction, but not its gradient."""
    watch = Watch(lab)
    x, y = curve(lab.draw, one_epoch(lab), lab.draw.integer(3, 12), lab.draw.one_of(1, 1, 3))
    y = (1 + lab.draw.uniform(0.75, 0.97) * y).sqrt()
    body = mlp(lab.draw, x.shape[1], y.shape[1])
    raise_bias(body, lab.draw.uniform(1.5, 4))

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        out: Tensor = body(x)
        watch(out <= 0)
        watch.note("energy_min", out.min())
        inside = torch.where(out > 0, out, 1.0) if lab.repaired else out
        return torch.where(out > 0, torch.sqrt(inside), torch.zeros_like(out))

    task = Task("mlp_regression", Around(forward, body), x, y, F.mse_loss, CAREFUL, True)
    yield from watch.train(named(lab, task), tuned(lab, task))


@failing("C19", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "exp gets a 0 where it is masked")
def where_guarded_softplus(lab: Lab) -> Iterator[Row]:
    """where(x < 20, log(1 + exp(x)), x) is finite above 88.7, but its gradient is 0·inf."""
    watch = Watch(lab)
    x, y, model, _, spread = growing_levels(lab)
    limit = lab.draw.one_of(15.0, 20.0, 30.0)

    def loss(z: Tensor, y: Tensor) -> Tensor:
        watch(z.exp() == INF)
        watch.note("prediction_max", z.max())
        inside = torch.where(z < limit, z, 0.0) if lab.repaired else z
        level = torch.where(z < limit, torch.log1p(torch.exp(inside)), z)
        return F.mse_loss(level / spread, y / spread)

    task = named(lab, Task("level_regression", model, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C19", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "the count is at least 1")
def replaced_nan_of_empty_mean(lab: Lab) -> Iterator[Row]:
    """nan_to_num repairs the mean over no neighbours in the forward pass only."""
    watch = Watch(lab, by_sample=True)
    count, features, size = lab.draw.integer(3, 8), lab.draw.integer(3, 8), one_epoch(lab)
    code, classes = lab.draw.one_of(8, 16, 32), lab.draw.integer(2, 6)
    y = torch.randint(classes, (size,))
    x = torch.randn(classes, features)[y][:, None] + torch.randn(size, count, features)
    degree = torch.randint(2, count + 1, (size,))
    degree[few_of(lab, size)] = 1
    present = (torch.arange(count) < degree[:, None]).float()[..., None]
    x = torch.cat([x * present, present], 2)

    def forward(x: Tensor, embed: nn.Module, head: nn.Module) -> Tensor:
        h, present = F.relu(embed(x[..., :-1])), x[:, 1:, -1:]
        neighbours = present.sum(1)
        watch(neighbours == 0)
        total = (h[:, 1:] * present).sum(1)
        if lab.repaired:
            mean = total / neighbours.clamp_min(1)
        else:
            mean = torch.nan_to_num(total / neighbours)
        logits: Tensor = head(torch.cat([h[:, 0], mean], 1))
        return logits

    model = Around(forward, nn.Linear(features, code), mlp(lab.draw, 2 * code, classes, 1))
    task = named(lab, Task("graph", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task))


@failing("C20", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "the covariance gets distinct jitter")
def whitening_with_repeated_eigenvalues(lab: Lab) -> Iterator[Row]:
    """Whitening by eigh has no gradient once two dead units give equal eigenvalues."""
    watch = Watch(lab)
    classes, features = lab.draw.integer(3, 6), lab.draw.integer(4, 12)
    x, y = clusters(lab.draw, one_epoch(lab), classes, features)
    width = lab.draw.integer(5, 8)
    body, head = mlp(lab.draw, features, width, 1), nn.Linear(width, classes)
    with torch.no_grad():
        parameters = list(body.parameters())
        parameters[-1].add_(torch.linspace(-0.4, 1.0, width) * lab.draw.uniform(0.5, 1.5))
    eps = lab.draw.one_of(1e-3, 1e-2)
    jitter = torch.linspace(0, 1, width) * eps if lab.repaired else torch.zeros(width)

    def forward(x: Tensor, body: nn.Module, head: nn.Module) -> Tensor:
        h = F.relu(body(x))
        centred = h - h.mean(0)
        covariance = centred.T @ centred / len(h) + torch.diag(eps + jitter)
        values, vectors = torch.linalg.eigh(covariance)
        watch(values.diff() == 0)
        whitened = centred @ vectors @ torch.diag(values**-0.5) @ vectors.T
        logits: Tensor = head(whitened)
        return logits

    model = Around(forward, body, head)
    task = named(lab, Task("whitening", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task, low=1, high=8))


@failing("C3", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-6 is added under the root")
def contrast_of_flat_patch(lab: Lab) -> Iterator[Row]:
    """A loss on local contrast, a root of a variance, meets a flat patch of an inpainting."""
    watch = Watch(lab, by_sample=True)
    patches, side, size = lab.draw.integer(2, 5), lab.draw.integer(4, 8), one_epoch(lab)
    latent = lab.draw.integer(2, 4)
    x = torch.tanh(torch.randn(size, latent) @ torch.randn(latent, patches * side))
    for at in few_of(lab, size):
        # sky, or the border of a scan
        x[at, :side] = lab.draw.one_of(1.0, 0.0, -1.0)
    hole = torch.zeros(size, patches).scatter_(1, torch.randint(1, patches, (size, 1)), 1.0)
    hole = hole.repeat_interleave(side, 1)
    weight, eps = lab.draw.log_uniform(0.03, 1), 1e-6 if lab.repaired else 0.0

    def contrast(image: Tensor) -> Tensor:
        patch = image.view(len(image), patches, side)
        variance = (patch - patch.mean(2, keepdim=True)).pow(2).mean(2)
        watch(variance == 0)
        return torch.sqrt(variance + eps)

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        image, hole = x.chunk(2, dim=1)
        known = image * (1 - hole)
        out: Tensor = hole * body(torch.cat([known, hole], 1)) + known
        return out

    def loss(out: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(out, y) + weight * F.l1_loss(contrast(out), contrast(y))

    model = Around(forward, mlp(lab.draw, 2 * patches * side, patches * side))
    task = Task("inpainting", model, torch.cat([x, hole], 1), x, loss, SGD_AND_ADAM, True)
    yield from watch.train(named(lab, task), tuned(lab, task, low=1, high=5))


@failing("C3", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-8 is added under the root")
def root_mean_square_of_silent_station(lab: Lab) -> Iterator[Row]:
    """An error per station is a root of 0 when one station reports nothing in a whole batch."""
    watch = Watch(lab)
    stations, size = lab.draw.integer(2, 8), one_epoch(lab)
    x, y = curve(lab.draw, size, lab.draw.integer(3, 12), stations)
    expected = lab.steps * lab.draw.uniform(0.1, 0.8)
    share = 1 - (1 / expected) ** (1 / lab.batch_size)
    reports = torch.rand(size, stations)
    # one station reports seldom, the others nearly always
    valid = reports < torch.tensor([share, *[lab.draw.uniform(0.7, 1)] * (stations - 1)])
    eps = 1e-8 if lab.repaired else 0.0

    def loss(out: Tensor, target: Tensor) -> Tensor:
        y, valid = target.chunk(2, dim=1)
        count = valid.sum(0)
        watch(count == 0)
        squared = ((out - y) ** 2 * valid).sum(0) / count.clamp_min(1)
        return torch.sqrt(squared + eps).mean()

    y = torch.cat([y + lab.draw.uniform(0.05, 0.3) * torch.randn(y.shape), valid.float()], 1)
    body = mlp(lab.draw, x.shape[1], stations)
    task = named(lab, Task("weather", body, x, y, loss, SGD_AND_ADAM, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C3", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-8 is added under the root")
def hellinger_distance_of_vanished_probability(lab: Lab) -> Iterator[Row]:
    """A Hellinger distance takes roots of a softmax that gets sharper until one is of 0."""
    watch = Watch(lab)
    task = lab.task("mlp_classification", "cnn")
    end, weight = lab.draw.log_uniform(0.003, 0.03), lab.draw.log_uniform(0.03, 0.3)
    eps, smoothing = 1e-8 if lab.repaired else 0.0, lab.draw.uniform(0, 0.1)

    def loss(logits: Tensor, y: Tensor, step: int) -> Tensor:
        p = (logits / end ** (step / lab.steps)).softmax(1)
        watch(p == 0)
        watch.note("prob_min", p.min())
        aim = (1 - smoothing) * F.one_hot(y, task.classes) + smoothing / task.classes
        distance = (torch.sqrt(p + eps) - torch.sqrt(aim)).pow(2).sum(1).mean()
        return task.loss(logits, y) + weight * distance

    yield from watch.train(task, tuned(lab, task), Loop(loss=loss))


@failing("C3", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-8 is added to the power spectrum")
def compressed_spectrum_of_silence(lab: Lab) -> Iterator[Row]:
    """A spectral loss raises power to a fraction, and a clip of mere padding has power 0."""
    watch = Watch(lab, by_sample=True)
    time, size = lab.draw.one_of(16, 24, 32), one_epoch(lab)
    pitch = torch.rand(size, 1) * 2 + 0.3
    clean = torch.sin(torch.arange(time) * pitch + 6.28 * torch.rand(size, 1))
    length = torch.randint(time // 2, time + 1, (size, 1))
    length[few_of(lab, size)] = 0
    valid = (torch.arange(time) < length).float()
    noisy = clean + lab.draw.uniform(0.2, 0.8) * torch.randn(size, time)
    exponent, eps = lab.draw.one_of(0.5, 0.3, 0.15), 1e-8 if lab.repaired else 0.0
    plain = lab.draw.uniform(0, 1)

    def spectrum(signal: Tensor) -> Tensor:
        bins = torch.view_as_real(torch.fft.rfft(signal))
        return ((bins**2).sum(-1) + eps) ** exponent

    def forward(x: Tensor, body: nn.Module) -> Tensor:
        noisy, valid = x.chunk(2, dim=1)
        out: Tensor = body(noisy * valid) * valid
        watch(valid.sum(1) == 0)
        return out

    def loss(out: Tensor, y: Tensor) -> Tensor:
        return F.mse_loss(spectrum(out), spectrum(y)) + plain * F.mse_loss(out, y)

    model = Around(forward, mlp(lab.draw, time, time))
    x, y = torch.cat([noisy, valid], 1), clean * valid
    task = named(lab, Task("denoiser", model, x, y, loss, CAREFUL, True))
    yield from watch.train(task, tuned(lab, task))


@failing("C3", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "maps are clamped to at least 1e-6")
def generalised_mean_of_blank_image(lab: Lab) -> Iterator[Row]:
    """Generalised mean pooling, mean(x^p)^(1/p), has no gradient at the maps of a blank image."""
    watch = Watch(lab, by_sample=True)
    classes, channels, size = lab.draw.integer(3, 8), lab.draw.one_of(6, 8, 12), one_epoch(lab)
    y = torch.randint(classes, (size,))
    noise = lab.draw.uniform(0.5, 1.2)
    x = torch.randn(classes, 1, 6, 6)[y] + noise * torch.randn(size, 1, 6, 6)
    x[few_of(lab, size)] = 0
    power, least = lab.draw.one_of(2.0, 3.0, 3.0), 1e-6 if lab.repaired else 0.0
    conv = nn.Conv2d(1, channels, 3, padding=lab.draw.one_of(0, 1), bias=False)

    def forward(x: Tensor, conv: nn.Module, head: nn.Module) -> Tensor:
        maps = conv(x)
        watch((maps == 0).all((2, 3)))
        pooled = maps.clamp_min(least).pow(power).mean((2, 3)).pow(1 / power)
        logits: Tensor = head(pooled)
        return logits

    model = Around(forward, conv, nn.Linear(channels, classes))
    task = named(lab, Task("cnn", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task, low=1, high=8))


@failing("D9", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "the length gets 1e-3, not 1e-20")
def direction_of_zero_vector(lab: Lab) -> Iterator[Row]:
    """A head that starts at zero is divided by its length + 1e-20: a gradient of 1e20."""
    watch = Watch(lab)
    classes, features = lab.draw.integer(3, 8), lab.draw.integer(4, 12)
    x, y = clusters(lab.draw, one_epoch(lab), classes, features)
    width, code = lab.draw.one_of(16, 32), lab.draw.integer(2, 8)
    at, weight = lab.middle(0.05, 0.8), lab.draw.log_uniform(0.03, 1)
    tiny = 1e-3 if lab.repaired else 10.0 ** -lab.draw.integer(19, 24)
    body, head = mlp(lab.draw, features, width, 1), nn.Linear(width, classes)
    fresh = nn.Linear(width, code)
    nn.init.zeros_(fresh.weight)
    nn.init.zeros_(fresh.bias)
    aims = F.normalize(torch.randn(classes, code))
    direction = torch.empty(0)

    def forward(x: Tensor, body: nn.Module, head: nn.Module, fresh: nn.Module) -> Tensor:
        nonlocal direction
        h = F.relu(body(x))
        raw = fresh(h)
        length = raw.norm(dim=1, keepdim=True)
        if watch.step >= at:
            watch(length == 0)
        direction = raw / (length + tiny)
        logits: Tensor = head(h)
        return logits

    def loss(logits: Tensor, y: Tensor, step: int) -> Tensor:
        total = F.cross_entropy(logits, y)
        if step < at:
            return total
        return total + weight * (1 - (direction * aims[y]).sum(1)).mean()

    model = Around(forward, body, head, fresh)
    task = named(lab, Task("two_heads", model, x, y, F.cross_entropy, SGD_AND_ADAM))
    yield from watch.train(task, tuned(lab, task), Loop(loss=loss))


@failing(
    "C4", UNSTABLE, UNDEFINED_GRADIENT, "nonfinite", "1e-12 is added under the root", learns=False
)
def gradient_penalty_of_flat_critic(lab: Lab) -> Iterator[Row]:
    """A gradient penalty takes the norm of a slope that is 0 where all of a critic is dead."""
    features, hidden = lab.draw.integer(2, 6), lab.draw.integer(5, 10)
    latent = lab.draw.integer(2, 6)
    real, _ = clusters(lab.draw, one_epoch(lab), lab.draw.integer(2, 6), features)
    critic = nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 1))
    raise_bias(critic[:1], lab.draw.uniform(0.4, 1.2))
    generator = mlp(lab.draw, latent, features, 1)
    rate, strength = lab.draw.log_uniform(3e-4, 3e-3), lab.draw.one_of(1.0, 10.0, 10.0)
    betas = (lab.draw.one_of(0.0, 0.5, 0.9), lab.draw.one_of(0.9, 0.99, 0.999))
    players = [torch.optim.Adam(net.parameters(), rate, betas) for net in (critic, generator)]
    lab.settings |= {"model": "wgan_gp", "optimizer": "adam", "learning_rate": rate}
    eps = 1e-12 if lab.repaired else 0.0

    for step, epoch, indices in lab.batches(len(real)):
        x = real[indices]
        fake = generator(torch.randn(len(x), latent))
        share = torch.rand(len(x), 1)
        between = (share * x + (1 - share) * fake.detach()).requires_grad_()
        (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
        squared = slope.pow(2).sum(1)
        if bool((squared == 0).any()):
            lab.enter(step)
        penalty = strength * ((torch.sqrt(squared + eps) - 1) ** 2).mean()
        loss_d = critic(fake.detach()).mean() - critic(x).mean() + penalty
        players[0].zero_grad()
        loss_d.backward()
        norm, layers = grad_norms(critic)
        players[0].step()
        loss_g = -critic(generator(torch.randn(len(x), latent))).mean()
        players[1].zero_grad()
        loss_g.backward()
        players[1].step()
        losses = {"loss_d": float(loss_d.detach()), "loss_g": float(loss_g.detach())}
        extra = {"gradient_penalty": float(penalty.detach())}
        yield Row(
            step, None, norm, rate=rate, epoch=epoch, losses=losses, layers=layers, extra=extra
        )
    if lab.entrance is None and not lab.repaired:
        lab.enter(lab.steps - 1)
        raise RuntimeError("no slope was 0")
