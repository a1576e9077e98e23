"""Tells from the name of a series alone what it means, whatever framework chose the name."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

from gradcheck.model import Objective, Role
from gradcheck.model.inside import LEARNED

REMEMBERED = 1 << 17
"""How many names to remember; each is asked for a dozen times while a run is read."""
_CROSS_ENTROPY = re.compile(r"\bcross entropy\b")
_TOKEN = re.compile(r"[0-9]D\b|[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z0-9]+|[0-9]+")


_GLUED_LOSS = re.compile(r"\b([a-z]+\d?)loss\b")
"""`genloss`, `valloss`: no word of this trade ends so and means another thing."""


def tokens(name: str) -> list[str]:
    """The words of a name in lower case: `Loss/G_loss` and `lossG` both speak of `loss` and `g`."""
    return _spaced(name).split()


@functools.lru_cache(maxsize=REMEMBERED)
def _spaced(name: str) -> str:
    words = _GLUED_LOSS.sub(r"\1 loss", " ".join(_TOKEN.findall(name)).lower())
    return _CROSS_ENTROPY.sub("crossentropy", words)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TRAINING = _words("train training tr trn")
VALIDATION = _words("val valid validation eval evaluation test testing dev holdout")
LOSS = _words("loss losses nll cost crossentropy bpb bpc bpd")
PENALTY = _words("penalty penalties r1 gp regularizer regularization regularisation")
"""What is added to a loss to hold the weights or the slope: never the loss itself."""
PERPLEXITY = _words("ppl perplexity")
# What people call the objective itself; a metric where a loss is logged beside it.
_OBJECTIVES = _words(
    "mse rmse mae bce xent elbo objective error err criterion huber l triplet contrastive infonce"
    " focal ce"
)
_NEGATIVE_LIKELIHOOD = re.compile(
    r"\bneg(ative)? ((partial|pseudo|marginal|cox) )?(log ?)?(lik(elihood)?|ll)\b"
)
_WHOLE = re.compile(
    r"^((train|training|val|valid|validation|test) )?total( (train|val|valid|test))?$"
)
"""A total of nothing that is named: of the terms beside it."""
GRADIENT = _words("grad grads gradient gradients gradnorm gnorm gnom")
_LAYER_PREFIX = re.compile(r"^gn[_/.]")  # `gn_0.weight`
STATISTIC = _words("mean min max avg median std var sparsity zeros cosine histogram hist")
_NORM = _words("norm norms gnorm gradnorm gnom l2")

# A loss whose other words are all of these is the total, not one of its parts.
NEUTRAL = (
    TRAINING
    | VALIDATION
    | _words("loss losses cost step steps epoch batch iter iteration iterations vs total overall")
    | _words("all full sum combined lm ce crossentropy language samples metrics global reduced")
    | _words("scalars inner t bpb bpc bpd out model dataloader idx main")
)
# Twins of a loss that lag behind it or show it from one side: never preferred to the raw one.
DERIVED = _words("smoothed smooth ema running avg average mean moving window max min median")

_NOT_A_LOSS = _words("best std var count time scores signs improvement patience hparam hparams")
# These make a name a setting (`loss_weight`) unless it ends in "loss" (`ent_coef_loss`).
_FACTOR = _words("scale weight weights coef coeff coefficient lambda ratio rate factor multiplier")
_ADVERSARIAL = _words("g d gen disc dis discriminator generator fake real adv adversarial gan wgan")
_REINFORCEMENT = _words(
    "policy value vf critic actor td q qf qf1 qf2 q1 q2 qf3 pg ppo surrogate alpha temperature"
    " baseline advantage ent entropy pi v"
)
# A gradient norm with only these words is a total; any other word names a layer.
_OF_THE_WHOLE = (
    TRAINING
    | GRADIENT
    | STATISTIC - _words("std var sparsity zeros cosine")
    | _words(
        "norm norms l2 optim optimizer global total overall epoch batch step inner inf raw pre"
    )
    | _words(
        "before clip clipping unclipped model debug stats metrics info learner default monitor"
    )
    | _words("g d gen disc generator discriminator actor critic policy value q pi vf all params")
)


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    role: Role


# Matched against the words of a name, joined by spaces; the first that fits decides.
_RULES = tuple(
    _Rule(re.compile(pattern), role)
    for pattern, role in (
        (r"\b(momentum|weight decay)$", Role.OTHER),
        (r"\b(lr\d*|lrm|learning rate)\b", Role.LEARNING_RATE),
        (r"\b(loss|grad|amp) scale[rd]?\b|^(scale|scaler)$|\bgrad scaler scale\b", Role.LOSS_SCALE),
        (r"\b(nan|nonfinite|non finite|inf) (iterations?|steps?|count)\b", Role.NAN_STEPS),
        (r"\bskipped (\w+ )?(samples|iterations|steps)\b|\bsteps? skipped\b", Role.SKIPPED_STEPS),
        (r"\bgradient overflows?\b|^(train )?(skipped|overflows?)$", Role.SKIPPED_STEPS),
        (r"^(train )?(inner )?clip$|\bclipping rate\b", Role.CLIP_FRACTION),
        (r"\bgrad(ient)? clip(ped)? (fraction|percent|rate|ratio)\b", Role.CLIP_FRACTION),
        (r"\bclip (fraction|frac|ratio|range)\b|\bclipfrac\b|\bclipped ratio\b", Role.OTHER),
        (r"\b(clipped|post clip) grad(ient)? norm\b", Role.CLIPPED_GRAD_NORM),
        (r"\bgrad(ient)? norm (post|after|clipped)\b", Role.CLIPPED_GRAD_NORM),
        (r"^(\w+ )?grad (\d+( \d+)?|inf) norm total$", Role.GRAD_NORM),
        (r"\bmax grad norm$|^max gradient norm$", Role.OTHER),
        (r"^(trainer |train )?(inner )?epochs?$|^e$", Role.EPOCH),
    )
)
_WEIGHT_NORM = re.compile(
    r"\bl2 (norm )?params?\b|\b(param|params|parameter|parameters|weight|weights)\b.*\b(norm|rms)$"
    r"|\b(param|params|weight|weights) (norm|rms)\b|^parameter std\b"
)
_ACCURACY = re.compile(r"\b(acc\d*|accuracy|accuracies|top\d|top \d)\b")
_OVERLAP = re.compile(r"\b(io u|m?iou|dice|precision|recall|f1)\b")
_PARTS = GRADIENT | _words(
    "layer layers block blocks stage stages module modules h encoder decoder param params parameter"
    " parameters weight weights group groups norm norms"
)
_PATH_OF_GRADIENT = re.compile(r"^(.*/)?grad(ient)?s?/|/grad(ient)?s?$")
_STATISTIC_OF_GRADIENT = re.compile(r"\bgrad\w* (mean|std|var|min|max|avg)\b")
_PLAYER = re.compile(r"\bloss optimizer \d+$")
"""What `watch` calls the loss of one of several optimizers that the script has no name for."""
_GAN_PART = re.compile(r"^(err |loss )?[gd] (gan|l1|real|fake|a|b)$|^err [gd]\b|\b[gd] err$")


class Meaning(NamedTuple):
    """What a name says by itself; a `stand_in` counts as a loss only where no loss is logged."""

    role: Role
    objective: Objective = Objective.MINIMISED
    stand_in: bool = False


@functools.lru_cache(maxsize=REMEMBERED)
def meaning(name: str) -> Meaning:
    """What a series of this name means, without a look at the others of its run."""
    if name.startswith(LEARNED):
        return Meaning(Role.OTHER)
    words = tokens(name)
    text = " ".join(words)
    ruled = next((rule.role for rule in _RULES if rule.pattern.search(text)), None)
    if ruled is not None:
        return Meaning(ruled)
    for recognise in _RECOGNISERS:
        found = recognise(name, words, text)
        if found is not None:
            return found
    return Meaning(Role.OTHER)


def _gradient(name: str, words: list[str], text: str) -> Meaning | None:
    if _LAYER_PREFIX.search(name):
        return Meaning(Role.LAYER_GRAD_NORM)
    mentioned = GRADIENT.intersection(words)
    if not mentioned or "policy gradient" in text or "penalty" in words:
        return None
    norm = not _NORM.isdisjoint(words)
    if set(words) <= _OF_THE_WHOLE:
        return Meaning(Role.GRAD_NORM) if norm or STATISTIC.isdisjoint(words) else None
    if norm and _is_of_an_agent(name):
        return Meaning(Role.GRAD_NORM)
    if words[-1] in STATISTIC or _STATISTIC_OF_GRADIENT.search(text):
        return None
    return Meaning(Role.LAYER_GRAD_NORM) if norm or _PATH_OF_GRADIENT.search(name) else None


def _is_of_an_agent(name: str) -> bool:
    """Whether it is that of a whole network, of which there are several: `agents/0/grad_norm`."""
    group, _, last = name.rpartition("/")
    owner, _, index = group.rpartition("/")
    words, owners = tokens(last), tokens(owner)
    whole = not GRADIENT.isdisjoint(words) and set(words) <= _OF_THE_WHOLE
    return whole and index.isdigit() and bool(owners) and _PARTS.isdisjoint(owners)


def _weight(_name: str, _words: list[str], text: str) -> Meaning | None:
    return Meaning(Role.WEIGHT_NORM) if _WEIGHT_NORM.search(text) else None


def _loss(_name: str, words: list[str], text: str) -> Meaning | None:
    named = any(_is_loss_word(word) for word in words) or bool(_GAN_PART.search(text))
    perplexity = bool(PERPLEXITY.intersection(words))
    stand_in = perplexity or (not named and _is_objective(words, text))
    if not (named or stand_in):
        return None
    setting = _FACTOR.intersection(words) and not _is_loss_word(words[-1])
    if setting or _NOT_A_LOSS.intersection(words):
        return None
    role = Role.VALIDATION_LOSS if VALIDATION.intersection(words) else Role.LOSS
    return Meaning(role, _objective(words, text), stand_in)


def _is_objective(words: list[str], text: str) -> bool:
    if _OVERLAP.search(text) or _ACCURACY.search(text):
        return False  # of a class that is called `error`
    said = _NEGATIVE_LIKELIHOOD.search(text) or _WHOLE.search(text)
    return bool(_OBJECTIVES.intersection(words) or said)


def _is_loss_word(word: str) -> bool:
    return word in LOSS or (word.startswith("loss") and word[4:].isdigit())


def _objective(words: list[str], text: str) -> Objective:
    if _ADVERSARIAL.intersection(words) or _GAN_PART.search(text) or _PLAYER.search(text):
        return Objective.ADVERSARIAL
    # `loss_value` is just a loss; `value_loss` is a critic's.
    critics = _REINFORCEMENT - {"value"} if text.endswith("loss value") else _REINFORCEMENT
    if critics.intersection(words) or "policy gradient" in text:
        return Objective.REINFORCEMENT
    return Objective.MINIMISED


def _accuracy(_name: str, words: list[str], text: str) -> Meaning | None:
    return Meaning(Role.ACCURACY) if _ACCURACY.search(text) else None


_RECOGNISERS: tuple[Callable[[str, list[str], str], Meaning | None], ...] = (
    _gradient,
    _loss,
    _weight,
    _accuracy,
)
