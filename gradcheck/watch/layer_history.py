"""What the gradient norms of the layers tell, step by step: a recurrence that grows, or fading."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gradcheck.model import Observation
from gradcheck.watch.followed import Step
from gradcheck.watch.probe import Probe
from gradcheck.wording import number

FADED, TINY = 1e-3, 1e-4
LEAPT, LED = 10.0, 5.0
"""Growth of a gradient that leads, and of the loss beside it at most."""
REPEATED = 5
"""Uses of a weight in one pass from which on it is a recurrence."""
LENGTHENED = 1.5
"""More uses in one step: its sequences are longer."""


def recurrence(probe: Probe, first: Mapping[str, Any], onset: int | None) -> Iterator[Observation]:
    """Did the gradient of a weight that is used again and again grow first, before the loss did?"""
    history = [step for step in probe.optimizers.history() if step.layers]
    history = [step for step in history if math.isfinite(step.norm)]
    if onset is not None:
        history = [step for step in history if step.step <= onset + 1]
    leap = _leap(history)
    names = probe.optimizers.gradient_names()
    if leap is None or len(names) != len(history[leap].layers):
        return
    now, before = history[leap], history[:leap]
    uses, passes = first.get("uses", {}), probe.loop.accumulated
    recurrent = {
        name for name in names if "weight_hh" in name or int(uses.get(name, 0)) >= REPEATED * passes
    }
    usual = [statistics.median(step.layers[i] for step in before) for i in range(len(names))]
    growth = {n: now.layers[i] / max(usual[i], 1e-30) for i, n in enumerate(names)}
    share = {n: now.layers[i] / max(now.norm, 1e-30) for i, n in enumerate(names)}
    strongest = max(recurrent, key=lambda name: share[name], default=None)
    if strongest is None:
        return
    calmest = min((growth[name] for name in names if name not in recurrent), default=math.inf)
    if not _led(now, before) and growth[strongest] < LEAPT * calmest:
        return  # all layers are beyond bounds, and the loss is
    if growth[strongest] >= LEAPT and share[strongest] >= 0.3:
        yield Observation(
            "recurrence_grows",
            f"the gradient of {strongest}, which every time step uses again, grew "
            f"{number(growth[strongest])}-fold by step {now.step} and is {share[strongest]:.0%} "
            "of the whole",
            now.step,
            min(1.0, 0.5 + 0.25 * math.log10(growth[strongest])),
        )


def lengthened(surveys: Sequence[Mapping[str, Any]], onset: int) -> Iterator[Observation]:
    """Did a signal outgrow all before it because a recurrence went on for longer at the onset?

    `surveys` are those of the steps up to and beyond the onset, as `Survey.take` gives them.
    """
    before = surveys[:-2] or surveys[:1]
    for now in surveys[-2:]:
        for name, uses in now["uses"].items():
            usual = statistics.median(int(one["uses"].get(name, 0)) for one in before)
            if not usual or uses < max(REPEATED, LENGTHENED * usual):
                continue
            signal = _outputs(now, name)
            largest = max(max(_outputs(one, name), default=0.0) for one in before)
            if largest > 0 and signal[-1] == max(signal) >= LEAPT * largest:
                yield Observation(
                    "recurrence_grows",
                    f"{name} is used {number(uses)} times in step {onset} and {number(usual)} "
                    f"times in those before it: what comes out grows to {number(signal[-1])}, from "
                    f"at most {number(largest)}",
                    onset,
                    min(1.0, 0.5 + 0.25 * math.log10(signal[-1] / largest)),
                )
                return


def _outputs(survey: Mapping[str, Any], name: str) -> list[float]:
    return [float(layer["out"]) for layer in survey["layers"] if layer["name"] == name]


def _leap(history: Sequence[Step]) -> int | None:
    """The place of the first step whose gradient is far above those before it."""
    norms = [step.norm for step in history]
    leaps = (
        at for at in range(2, len(norms)) if norms[at] >= LEAPT * statistics.median(norms[:at]) > 0
    )
    return next(leaps, None)


def _led(now: Step, before: Sequence[Step]) -> bool:
    """Whether the loss was still about the usual when the gradient leapt.

    Weights that are beyond all bounds make every gradient large, and the loss as well.
    """
    losses = [abs(step.loss) for step in before if step.loss is not None]
    if now.loss is None or not losses:
        return True
    return abs(now.loss) <= LED * statistics.median(losses)


def fading(probe: Probe) -> Iterator[Observation]:
    """Are the gradients of the first layers next to nothing beside the last, as from the start?

    Layers that died on the way are what another trouble left.
    """
    history = reversed(probe.optimizers.history())
    last = next((step for step in history if len(step.layers) >= 4), None)
    if last is None or not _fades(last.layers) or not _fades(probe.optimizers.first_layers):
        return
    first_layer, last_layer = max(last.layers[:2]), max(last.layers[-2:])
    yield Observation(
        "gradients_fade_with_depth",
        f"the gradient of the first layer ({number(first_layer)}) is "
        f"{number(last_layer / max(first_layer, 1e-30))} times smaller than that of the last",
        last.step,
    )


def _fades(layers: Sequence[float]) -> bool:
    if len(layers) < 4 or not all(map(math.isfinite, layers)):
        return False
    first, last = max(layers[:2]), max(layers[-2:])
    # what is cut off is 0 at once; what fades has got less and less on the way
    faint = any(0 < layer < FADED * last for layer in layers)
    return first < TINY and faint
