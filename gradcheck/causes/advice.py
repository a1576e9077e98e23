"""Changes that several causes advise, with the values of the run at hand."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from gradcheck.causes import words_optimizer
from gradcheck.causes.advice_loop import (
    CHECKPOINTS,
    LEAVE_OUT,
    check_batches,
    localise,
    log_batches,
    log_norms,
    look_at_samples,
    resume_before,
    robust_loss,
    skip_batch,
)
from gradcheck.causes.advice_precision import (
    TORCH_AMP,
    full_precision,
    part_in_float32,
    prefer_bfloat16,
    start_scale_lower,
)
from gradcheck.causes.base import Finding
from gradcheck.causes.settings import Settings
from gradcheck.causes.words import has, rate_of, settings_of, snippet
from gradcheck.model import Remedy, Role
from gradcheck.wording import number

__all__ = [
    "CHECKPOINTS",
    "LEAVE_OUT",
    "TORCH_AMP",
    "accumulate",
    "check_batches",
    "clip_gradients",
    "full_precision",
    "localise",
    "log_batches",
    "log_norms",
    "look_at_samples",
    "lower_beta2",
    "lower_learning_rate",
    "part_in_float32",
    "prefer_bfloat16",
    "raise_epsilon",
    "raise_learning_rate",
    "resume_before",
    "robust_loss",
    "settings_of",
    "skip_batch",
    "snippet",
    "start_scale_lower",
    "warm_up",
]
ENOUGH_NORMS = 8
TINY_NORM = 1e-2
PLAYBOOK = "Google Research, Deep Learning Tuning Playbook"
UNTUNED_WARMUP = "Ma & Yarats 2021, On the adequacy of untuned warmup for adaptive optimization"
GOYAL = "Goyal et al. 2017, Accurate, large minibatch SGD"
WORTSMAN = "Wortsman et al. 2023, Stable and low-precision training"


def clip_gradients(finding: Finding) -> Remedy:
    """Clipping by norm, at the 90th percentile of the run's own healthy norms."""
    limit, norm = settings_of(finding).clip, _ninetieth(finding)
    if limit is None and norm is not None:
        action = (
            f"Clip the gradient norm at {number(norm)}: 90% of this run's healthy norms lie below "
            "it"
        )
    elif limit is None:
        norm = 1.0
        action = (
            "Clip the gradient norm at 1.0, and log it to set the threshold from its 90th "
            "percentile"
        )
    elif norm is not None and norm < limit:
        action = (
            f"Lower the clipping threshold from {number(limit)} to {number(norm)}: 90% of this "
            "run's healthy norms lie below it"
        )
    elif norm is not None:
        return _check_clipping(finding, limit, norm)
    else:
        norm = _two_digits(limit / 2)
        action = (
            f"Clipping is configured at {number(limit)}; lower it to {number(norm)}, and log the "
            "norm to set the threshold from its 90th percentile"
        )
    text = f"{norm:.1f}" if norm == 1 else number(norm)
    return Remedy(
        action,
        *snippet(finding, words_optimizer.CLIP, limit=text),
        PLAYBOOK,
        change="clip_gradients",
    )


def _check_clipping(finding: Finding, limit: float, norm: float) -> Remedy:
    return Remedy(
        f"Clipping is configured at {number(limit)}, below {number(norm)}, the 90th percentile of "
        "the healthy norms, so a lower threshold helps little: check that it acts on whole, "
        "unscaled gradients, after backward and before the step",
        *snippet(finding, words_optimizer.CLIP, limit=number(limit)),
        PLAYBOOK,
    )


def _ninetieth(finding: Finding) -> float | None:
    """The 90th percentile of the norms before clipping; None where too few are logged."""
    norms = finding.case.healthy_norms
    if finding.case.run.get(Role.GRAD_NORM) is None or len(norms) < ENOUGH_NORMS:
        return None
    found = _two_digits(float(np.percentile(norms, 90)))
    return found if found > 0 and math.isfinite(found) else None


def lower_learning_rate(finding: Finding) -> Remedy:
    """The bound of the square law where it was seen, else a tenth."""
    settings = settings_of(finding)
    rate, ratio = rate_of(finding), finding.value("square_law", "ratio")
    logged = finding.case.onset_rate is not None
    if rate is None:
        return _relative(finding)
    if ratio and (logged or settings.warmup in (None, "none")):
        bound = _two_digits(2 * rate / (1 + ratio))
        return Remedy(
            f"Lower the learning rate below {number(bound)}: the growth of "
            f"{number(ratio)} per step at {number(rate)} puts the limit 2/λ there; "
            "start at a third of it",
            *_set_rate(finding, bound / 3),
            "stability limit 2/λ of gradient descent (Cohen et al. 2021)",
            change="lower_learning_rate",
        )
    configured_at = "" if logged else "the configured "
    return Remedy(
        f"Lower the learning rate from {configured_at}{number(rate)} to "
        f"{number(_two_digits(rate / 10))}, then bisect upwards",
        *_set_rate(finding, rate / 10),
        PLAYBOOK,
        change="lower_learning_rate",
    )


def _set_rate(finding: Finding, rate: float) -> tuple[str, str | None]:
    rate = _two_digits(rate)
    in_yaml = f"{rate:.1e}"  # YAML reads 1e-4 as text
    return snippet(finding, words_optimizer.RATE, rate=number(rate), in_yaml=in_yaml)


def raise_learning_rate(finding: Finding) -> Remedy:
    """Ten times the rate, for a run that does not move."""
    rate = rate_of(finding)
    if rate is None:
        return Remedy("Try ten times the learning rate", None, None, PLAYBOOK)
    return Remedy(
        f"Try ten times the learning rate: {number(_two_digits(10 * rate))} instead of "
        f"{number(rate)}",
        *_set_rate(finding, 10 * rate),
        PLAYBOOK,
    )


def _relative(finding: Finding) -> Remedy:
    spoken = has(finding, words_optimizer.RATE)  # but its setting needs the number
    code = None if spoken else "for group in optimizer.param_groups:\n    group['lr'] *= 0.1"
    known = finding.case.run.framework if spoken else None
    return Remedy(
        "Divide the learning rate by 10, then bisect upwards",
        code,
        known,
        PLAYBOOK,
        change="lower_learning_rate",
    )


def warm_up(finding: Finding) -> Remedy:
    """A linear warm-up over 2/(1-β2) steps, the time Adam's second moment needs."""
    settings = settings_of(finding)
    if not settings.adam:
        return _warm_up_over(
            finding, 1000, "the first 5 epochs, or some 1000 steps", GOYAL, settings
        )
    steps = 2000 if settings.beta2 is None else round(2 / (1 - settings.beta2))
    of_adam = (
        "2/(1-β2) steps: 2000 for Adam's β2 = 0.999, 40 for 0.95"
        if settings.beta2 is None
        else f"2/(1-β2) steps: {steps} for the configured β2 = {settings.beta2:g}"
    )
    return _warm_up_over(finding, steps, of_adam, UNTUNED_WARMUP, settings)


def _warm_up_over(
    finding: Finding, steps: int, over: str, source: str, settings: Settings
) -> Remedy:
    now = settings.warmup
    if settings.warmup_steps and settings.warmup_steps >= steps:
        steps = 2 * round(settings.warmup_steps)
        action = f"Double the warm-up of the learning rate from {now} to {steps}"
    else:
        present = f"; {now} is configured" if now is not None else ""
        action = f"Warm the learning rate up linearly over {over}{present}"
    return Remedy(action, *snippet(finding, words_optimizer.WARMUP, steps=str(steps)), source)


def lower_beta2(finding: Finding) -> Iterable[Remedy]:
    """A second moment that follows the gradients, where Adam is or may be the optimizer."""
    settings = settings_of(finding)
    if not settings.adam or (settings.beta2 is not None and settings.beta2 <= 0.95):
        return
    known = f" from {settings.beta2:g}" if settings.beta2 is not None else ""
    yield Remedy(
        f"With Adam, lower β2{known} to 0.95 so that the second moment follows the gradients",
        *snippet(finding, words_optimizer.BETA2, beta2="0.95"),
        WORTSMAN,
        change="lower_beta2",
    )


def raise_epsilon(finding: Finding) -> Iterable[Remedy]:
    """A larger ε for Adam, where the gradients had become so small that √v may have decayed."""
    settings, norms = settings_of(finding), finding.case.healthy_norms
    small = len(norms) >= ENOUGH_NORMS and float(np.median(norms)) < TINY_NORM
    if not settings.adam or not small or (settings.epsilon or 0) > 1e-7:
        return
    known = number(settings.epsilon) if settings.epsilon is not None else "1e-8"
    yield Remedy(
        f"With Adam, raise ε from {known} to 1e-6: the healthy gradients are so small that their "
        "second moment decays and a later gradient takes too long a step",
        *snippet(finding, words_optimizer.EPSILON, epsilon="1e-6"),
        "Bai et al. 2025, Adaptive preconditioners trigger loss spikes in Adam",
        change="raise_epsilon",
    )


def accumulate(finding: Finding) -> Remedy:
    """Accumulation that clears its sum and divides by the number of micro-batches."""
    batches = settings_of(finding).accumulation or 1
    over = f"{batches}, the configured number" if batches > 1 else "the number"
    return Remedy(
        "If you accumulate on purpose, clear the gradients after each optimizer step and divide "
        f"the loss by {over} of micro-batches",
        *snippet(finding, words_optimizer.ACCUMULATION, batches=str(batches if batches > 1 else 8)),
        "PyTorch documentation, gradient accumulation",
    )


def _two_digits(value: float) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    return float(f"{value:.2g}")
