"""Finds the settings that remedies speak of among a run's hyperparameters, whatever their names."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gradcheck.wording import number

BF16, FP16, FP32 = "bf16", "fp16", "fp32"
_MOST_LEAVES, _DEEPEST, _LONGEST = 5000, 8, 200
_SEPARATORS = re.compile(r"[/.:]")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")

# Names of one setting, the surest first; a dot stands between a group and what is in it.
_RATE = (
    "learning_rate lr lr0 base_lr max_lr peak_lr init_lr initial_lr lr_init initial_learning_rate "
    "warmup_max_lr"
)
_CLIP = (
    "max_grad_norm gradient_clip_val clip_grad grad_clip gradient_clipping clip_grad_norm "
    "grad_norm_clip grad_clip_norm gradient_clip gradient_clip_norm clip_norm global_clipnorm "
    "clipnorm grad_clip.max_norm training.max_norm max_norm clip_gradients.clip_value"
)
_CLIP_KIND = "gradient_clip_algorithm clip_mode clip_gradients.clip_type"
_CLIP_SWITCH = "clip_gradients.enabled"
_WARMUP_STEPS = (
    "warmup_steps lr_warmup_iters warmup_iters num_warmup_steps warmup_updates warmup_num_steps "
    "lr_warmup_steps"
)
_WARMUP_RATIO = "warmup_ratio lr_warmup_fraction warmup_fraction warmup_proportion"
_WARMUP_EPOCHS = "warmup_epochs lr_warmup_epochs"
_BATCH = (
    "per_device_train_batch_size micro_batch_size train_micro_batch_size_per_gpu local_batch_size "
    "batch_size train_batch_size ims_per_batch batch"
)
_ACCUMULATION = (
    "gradient_accumulation_steps accumulate_grad_batches update_freq accumulation_steps "
    "grad_accum_steps grad_accumulation_steps accum_iter grad_accum"
)
_BETA2 = "adam_beta2 beta2 beta_2"
_BETAS = "adam_betas opt_betas betas"
_EPSILON = (
    "adam_epsilon adam_eps opt_eps optimizer.eps optimizer.epsilon optimizer.params.eps "
    "optimizer_kwargs.eps optim.eps"
)
_OPTIMIZER = "optim optimizer optimizer.name optimizer.type optimizer_type optimizer_name opt"
_OPTIMIZERS = {"adamw": "AdamW", "adam": "Adam", "sgd": "SGD", "rmsprop": "RMSprop"}
_PRECISION = "mixed_precision precision mixed_precision_param amp_dtype"
_BF16 = "bf16 use_bf16 bfloat16 bf16.enabled"
_FP16 = "fp16 use_fp16 fp16.enabled"
_AMP = "amp use_amp amp.enabled"
_DTYPE = "torch_dtype dtype"
_SPELLINGS = {
    BF16: ("bf16", "bfloat16", "bf16-mixed", "bf16-true", "mixed_bfloat16", "torch.bfloat16"),
    FP16: ("fp16", "float16", "16", "16-mixed", "16-true", "mixed_float16", "torch.float16"),
    FP32: ("no", "fp32", "float32", "32", "32-true", "torch.float32"),
}

Path = tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """What a run was configured with; None where its hyperparameters do not say."""

    learning_rate: float | None = None
    clip: float | None = None
    """The limit of the gradient norm; None also where clipping is off or by value."""
    warmup_steps: float | None = None
    warmup_ratio: float | None = None
    """The share of the run that warms up."""
    warmup_epochs: float | None = None
    batch_size: int | None = None
    """Samples in one micro-batch of one device."""
    accumulation: int | None = None
    beta2: float | None = None
    epsilon: float | None = None
    precision: str | None = None
    """One of BF16, FP16 and FP32."""
    optimizer: str | None = None
    """PyTorch's name of the optimizer, if it is one of the common ones."""

    @property
    def warmup(self) -> str | None:
        """The configured warm-up in words, "none" where it is configured away."""
        if self.warmup_steps:
            return f"{number(self.warmup_steps)} steps"
        if self.warmup_ratio:
            return f"{number(100 * self.warmup_ratio)}% of the run"
        if self.warmup_epochs:
            return f"{number(self.warmup_epochs)} epochs"
        told = (self.warmup_steps, self.warmup_ratio, self.warmup_epochs)
        return "none" if any(value is not None for value in told) else None

    @property
    def adam(self) -> bool:
        """Whether the optimizer is a kind of Adam, or may be one."""
        return self.optimizer in (None, "Adam", "AdamW")


def read(hparams: Mapping[str, object]) -> Settings:
    """The settings, from hyperparameters under the names that the frameworks give them."""
    found = _Found(tuple(_leaves(hparams)))
    steps, ratio = found.number(_WARMUP_STEPS), found.number(_WARMUP_RATIO)
    if steps is not None and 0 < steps < 1:  # transformers 5: a share of the run
        steps, ratio = None, steps
    return Settings(
        learning_rate=found.number(_RATE, lambda value: value > 0),
        clip=_clip(found),
        warmup_steps=_within(steps, 0, math.inf),
        warmup_ratio=_within(ratio, 0, 1),
        warmup_epochs=_within(found.number(_WARMUP_EPOCHS), 0, math.inf),
        batch_size=_count(found.number(_BATCH)),
        accumulation=_count(found.number(_ACCUMULATION)),
        beta2=_beta2(found),
        epsilon=found.number(_EPSILON, lambda value: 0 < value < 0.1),
        precision=_precision(found),
        optimizer=_optimizer(found),
    )


@dataclass(frozen=True)
class _Found:
    """The leaves of the hyperparameters, looked up by the end of their path."""

    leaves: tuple[tuple[Path, object], ...]

    def every(self, names: str) -> Iterator[list[object]]:
        """For each name that is there the values of its least nested mentions."""
        for name in names.split():
            end = tuple(name.split("."))
            named = [(path, value) for path, value in self.leaves if path[-len(end) :] == end]
            least = min((len(path) for path, _ in named), default=0)
            if named:
                yield [value for path, value in named if len(path) == least]

    def number(self, names: str, fits: Callable[[float], bool] = math.isfinite) -> float | None:
        """The number under the first name that has one; None if its mentions disagree."""
        for values in self.every(names):
            told = {some[0] for some in map(_numbers, values) if some}
            fitting = {value for value in told if fits(value)}
            if fitting:
                return fitting.pop() if len(fitting) == 1 else None
        return None

    def text(self, names: str) -> Iterator[str]:
        """What is said under the names, in lower case."""
        for values in self.every(names):
            for value in values:
                if isinstance(value, str) or (isinstance(value, int) and 0 < value < 100):
                    yield str(value)[:_LONGEST].strip().lower()

    def flag(self, names: str) -> bool | None:
        """Whether something is switched on; None where that is not said."""
        told = [_flag(value) for values in self.every(names) for value in values]
        known = [value for value in told if value is not None]
        return any(known) if known else None


def _leaves(hparams: Mapping[str, object]) -> Iterator[tuple[Path, object]]:
    """Path and value of all that is no mapping, the least nested first; no end to no cycle."""
    waiting: list[tuple[Path, object]] = [((), hparams)]
    for place in range(_MOST_LEAVES):
        if place >= len(waiting):
            return
        path, value = waiting[place]
        if not isinstance(value, Mapping):
            yield path, value
        elif len(path) <= _DEEPEST and len(waiting) < _MOST_LEAVES:
            inner = [(name, value[name]) for name in value if isinstance(name, str)]
            waiting += [((*path, *_parts(name)), inside) for name, inside in inner]


def _parts(name: str) -> Path:
    plain = name[:_LONGEST].strip().lower().lstrip("-").replace("-", "_")
    return tuple(_SEPARATORS.split(plain))


def _numbers(value: object) -> tuple[float, ...]:
    """The finite numbers of a value: one, a list of them, or either written as text."""
    if isinstance(value, bool):
        return ()
    if isinstance(value, str):
        text = value[:_LONGEST].strip()
        listed = text[:1] in ("[", "(")
        return _finite(_NUMBER.findall(text) if listed else [text])
    if isinstance(value, (list, tuple)):
        return tuple(one for item in value[:4] for one in _numbers(item)[:1])
    return _finite([value]) if isinstance(value, numbers.Real) else ()


def _finite(values: Sequence[numbers.Real | str]) -> tuple[float, ...]:
    try:
        found = tuple(map(float, values))
    except (ValueError, OverflowError):
        return ()
    return found if all(map(math.isfinite, found)) else ()


def _flag(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "1": True, "false": False, "0": False}.get(value.strip().lower())
    return {1: True, 0: False}.get(value) if isinstance(value, int) else None


def _within(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and low <= value <= high else None


def _count(value: float | None) -> int | None:
    return int(value) if value is not None and 1 <= value < 1e9 and value == int(value) else None


def _clip(found: _Found) -> float | None:
    by_norm = all(kind.endswith("norm") for kind in found.text(_CLIP_KIND))
    limit = found.number(_CLIP)
    on = found.flag(_CLIP_SWITCH) is not False
    return limit if on and by_norm and limit is not None and limit > 0 else None


def _beta2(found: _Found) -> float | None:
    said = found.number(_BETA2, lambda value: 0 < value < 1)
    pairs = [_numbers(value) for values in found.every(_BETAS) for value in values]
    second = {pair[1] for pair in pairs if len(pair) == 2 and 0.5 < pair[1] < 1}
    return said if said is not None else (second.pop() if len(second) == 1 else None)


def _precision(found: _Found) -> str | None:
    named = _named_precision(found, _PRECISION)
    if named is not None:
        return named
    bf16, fp16, amp = (found.flag(names) for names in (_BF16, _FP16, _AMP))
    if bf16 or fp16:
        return BF16 if bf16 else FP16
    loaded = _named_precision(found, _DTYPE)
    if loaded in (BF16, FP16):
        return loaded
    return FP32 if amp is False or (bf16 is False and fp16 is False and not amp) else None


def _named_precision(found: _Found, names: str) -> str | None:
    for said in found.text(names):
        for precision, spellings in _SPELLINGS.items():
            if said in spellings:
                return precision
    return None


def _optimizer(found: _Found) -> str | None:
    for said in found.text(_OPTIMIZER):
        for token, name in _OPTIMIZERS.items():
            if token in said:
                return name
    return None
