"""What a finite failure shows inside: replays its first steps and its onset, and compares them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcheck.model import Kind, Observation, Role, Run, RunReport, Where
from gradcheck.model.inside import BOOTSTRAPPED, OVERWRITTEN
from gradcheck.watch import batch_sizes, layer_history
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay.snapshot import Snapshots
from gradcheck.watch.returning import returns
from gradcheck.wording import number

FAR = 20.0
"""Root mean square of inputs from which on they are no longer of unit size."""
GAIN, GROWN = 4.0, 20.0
"""A layer that multiplies its signal by this, and a signal of this size, are no sound start."""
LAGGED = 6.0
LEFT = 10.0
"""Ratio of probabilities that no clipped update gives."""
MOST_REPLAYED = 60.0
"""Seconds that replaying up to the onset may take."""
DEAD = 0.9
CALM_STEPS, LEAPT = 20, 4.0
"""Steps that tell the usual loss, and by how many times itself it rises where it leaps."""
LONG = 0.08
"""Length of an update beside its weights from which on it is long."""


Survey = Mapping[str, Any]


def observations(probe: Probe, snapshots: Snapshots, report: RunReport) -> Iterator[Observation]:
    """What the replays of a failure that is no single operation's fault tell."""
    yield from _updates(probe, report)
    yield from _forgotten(probe, report)
    yield from probe.targets.in_range()
    yield from _density(probe, report)
    start = _survey(snapshots, 0, 1, oldest=True)
    if start:
        yield from _first_step(start[0])
    onset = report.first_bad_step
    surveys: Sequence[Survey] = ()
    if onset is not None and onset > 0:
        per_step = probe.optimizers.together
        tick = onset * per_step
        if snapshots.reaches(tick - 4, tick * probe.seconds_a_step() < MOST_REPLAYED):
            surveys = _survey(snapshots, max(0, tick - 4), tick + per_step)
            loaded = probe.takeovers.begins_near(onset)
            loaded |= any(one["renewed"] for one in surveys)
            told = list(_onset(report.run, surveys, onset))
            yield from _bootstrapped(probe, start, surveys)
            yield from returns(report, told, partial(_steps, probe, snapshots))
            yield from (one for one in told if not (loaded and one.key == OVERWRITTEN))
            if start and surveys and not any(one.key == "batch_grew" for one in told):
                yield from batch_sizes.growth(start[0], surveys[-1], onset)
            if len(surveys) > 1:
                yield from layer_history.lengthened(surveys, onset)
    if not any(one["renewed"] for one in surveys):
        yield from _written(probe, onset)
    yield from layer_history.recurrence(probe, start[0] if start else {}, onset)
    yield from layer_history.fading(probe)


def _density(probe: Probe, report: RunReport) -> Iterator[Observation]:
    """Is the loss a density whose width the model predicts, and narrower than a unit by now?"""
    loss, onset = report.run.get(Role.LOSS), report.first_bad_step
    if not probe.loop.learns_width or loss is None or onset is None:
        return
    jumps = (e.step for e in report.events if e.kind is Kind.LEARNING_RATE_JUMP)
    if any(step is not None and onset - CALM_STEPS <= step <= onset for step in jumps):
        return  # that says enough of a spike
    before = loss.value[loss.step < onset][-CALM_STEPS:]
    if len(before) and float(np.median(before)) < 0:
        yield Observation(
            "density_narrowed",
            "the loss divides an error by a width that the model predicts, which has no floor: at "
            f"{number(float(np.median(before)))} it was narrower than a unit, and as steep",
            onset,
        )


def _bootstrapped(
    probe: Probe, start: Sequence[Survey], surveys: Sequence[Survey]
) -> Iterator[Observation]:
    """Does the loss measure the distance to what a model predicts that learns as well?

    It does so itself, or is a copy that is brought up to date; one that stays as it is is a task.
    """
    if not start or not surveys or not all(one.get("bootstrapped") for one in surveys):
        return
    first, last = int(start[0]["written_others"]), int(surveys[-1]["written_others"])
    now = sum(int(one._version) for one in probe.optimizers.untrained())  # after the onset
    if first != last or now > first or not first:
        yield Observation(
            BOOTSTRAPPED,
            "the targets of the loss are predictions of a model: its value tells little of how "
            "well the model does",
            0,
        )


def at_end(probe: Probe, snapshots: Snapshots) -> Iterator[Observation]:
    """What the first and the last step of a run show that never broke."""
    start = _survey(snapshots, 0, 1, oldest=True)
    if start:
        yield from _first_step(start[0])
    yield from layer_history.fading(probe)
    last = _survey(snapshots, snapshots.newest, snapshots.newest + 1)
    dead = float(last[-1]["dead"]) if last else 0.0
    if dead >= DEAD:
        yield Observation(
            "units_dead_inside",
            f"{dead:.0%} of the units of a layer are 0 for every sample of the batch",
            probe.optimizers.next_step(),
        )


def _steps(probe: Probe, snapshots: Snapshots, first: int, last: int) -> Sequence[Survey]:
    """A survey of the first optimizer's steps, the last one included."""
    ticks = [probe.optimizers.tick_of(0, step) for step in (first, last)]
    if not snapshots.reaches(ticks[0], ticks[1] * probe.seconds_a_step() < MOST_REPLAYED):
        return ()
    return _survey(snapshots, ticks[0], ticks[1])


def _survey(
    snapshots: Snapshots, first: int, last: int, *, oldest: bool = False
) -> Sequence[Survey]:
    orders = {"mode": "survey", "from": first}
    answer = snapshots.run(last, orders, oldest=oldest, upto=first)
    found: Sequence[Survey] = (answer or {}).get("surveys") or []
    return found


def _first_step(first: Survey) -> Iterator[Observation]:
    """Are the inputs, or the weights, out of size before anything was learned?"""
    spread, target = float(first["input"]["spread"]), float(first["target"]["spread"])
    if spread >= FAR:
        yield Observation(
            "inputs_far_from_unit",
            f"the inputs of the first step have a root mean square of {number(spread)}, "
            f"up to {number(float(first['input']['largest']))}",
            0,
            min(1.0, 0.5 + math.log10(spread / FAR)),
            where=batch_sizes.where("input", {**first["input"], "samples": None}),
        )
    elif target >= FAR:
        yield Observation(
            "targets_far_from_unit",
            f"the targets of the first step have a root mean square of {number(target)}, "
            f"up to {number(float(first['target']['largest']))}",
            0,
            min(1.0, 0.5 + math.log10(target / FAR)),
            where=batch_sizes.where("target", {**first["target"], "samples": None}),
        )
    layers = [layer for layer in first["layers"] if layer["in"] > 0]
    if not layers or spread >= FAR:
        return
    worst = max(layers, key=lambda layer: layer["out"] / layer["in"])
    largest = max(layers, key=lambda layer: float(layer["out"]))
    gain = worst["out"] / worst["in"]
    if len(layers) > 1 and largest["out"] < GROWN:
        yield Observation(
            "signal_keeps_size",
            f"before any update the signal is {number(layers[0]['in'])} before the first layer and "
            f"at most {number(largest['out'])} after any",
            0,
        )
    elif largest["out"] >= GROWN and gain >= GAIN:
        through = largest["out"] / max(layers[0]["in"], 1e-30)
        yield Observation(
            "activations_grow_with_depth",
            f"before any update the signal grows from {number(layers[0]['in'])} to "
            f"{number(largest['out'])} (at {largest['name']}); {worst['name']} alone multiplies "
            f"it by {number(gain)}",
            0,
            min(1.0, 0.4 + 0.3 * math.log10(max(1.0, through / GROWN) * 10)),
            {"gain": gain, "through": through},
        )


def _onset(run: Run, surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """Are the data of the onset out of line, or the weights? Does Adam lag behind?"""
    if len(surveys) < 2:
        return
    yield from batch_sizes.compare(surveys, onset)
    written = [one.get("written") or [] for one in surveys]
    # the update of the step before may have made the harm
    usual = {(one["file"], one["line"]) for step in written[:-3] for one in step}
    new = (one for step in written[-3:] for one in step)
    at = next((one for one in new if (one["file"], one["line"]) not in usual), None)
    if at is not None:
        yield Observation(
            OVERWRITTEN,
            f"{at['name']} was written to by something that is no update, just before step {onset}",
            onset,
            where=Where("state", at["name"], file=at["file"], line=at["line"]),
        )
    yield from _lag(run, surveys, onset)
    yield from _ratio(surveys, onset)


def _ratio(surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """Has the policy left the one that sampled the data?"""
    largest = max(float(one.get("ratio", 0.0)) for one in surveys)
    if largest >= LEFT:
        yield Observation(
            "ratio_left_range",
            f"around step {onset} probability ratios of the new policy to the old one reach "
            f"{number(largest)}",
            onset,
            min(1.0, 0.5 + 0.25 * math.log10(largest / LEFT)),
            {"ratio": largest},
        )


def _lag(run: Run, surveys: Sequence[Survey], onset: int) -> Iterator[Observation]:
    """Did the gradient leap beyond Adam's second moment, and the loss not yet?"""
    lags = [float(one.get("lag", 0.0)) for one in surveys]
    # a gradient that leaps with its loss is that of other data, or of weights that are gone
    around = zip(lags[-3:], range(onset + 2 - len(lags[-3:]), onset + 2), strict=True)
    ahead = [lag for lag, step in around if _calm(run, step)]
    if ahead and max(ahead) >= LAGGED:
        yield Observation(
            "moment_lagged",
            f"at step {onset} the gradient was {number(max(ahead))} times what Adam's second "
            "moment expects",
            onset,
            min(1.0, max(ahead) / 10),
        )


def _forgotten(probe: Probe, report: RunReport) -> Iterator[Observation]:
    """Did an optimizer without a memory go on? A model that begins anew has another first loss."""
    onset = report.first_bad_step
    yield from probe.takeovers.damaged(onset) if onset is not None else ()
    begun = None if onset is None else probe.takeovers.before(onset)
    if onset is not None and begun is not None and begun < onset and _calm(report.run, begun):
        yield from probe.takeovers.observations(onset)


def _calm(run: Run, step: int) -> bool:
    """Whether the loss of a step was still about that of the steps before."""
    loss = run.get(Role.LOSS)
    if loss is None:
        return True
    before, now = loss.value[loss.step < step][-CALM_STEPS:], loss.value[loss.step == step]
    if not len(before) or not len(now):
        return True
    usual = float(np.median(before))
    return float(now[0]) - usual <= LEAPT * abs(usual)


def _written(probe: Probe, onset: int | None) -> Iterator[Observation]:
    """Were weights overwritten just before the onset, by something that is no habit of the loop?"""
    if onset is None or probe.takeovers.begins_near(onset):
        return  # a model built again is loaded
    if any(probe.loop.written_at(step) for step in (onset, onset - 1)):
        yield Observation(
            OVERWRITTEN,
            f"weights were overwritten between the updates before step {onset} and its own",
            onset,
        )


def _updates(probe: Probe, report: RunReport) -> Iterator[Observation]:
    """How long were the updates measured before the onset, beside the weights?"""
    onset = report.first_bad_step
    measured = [
        (step, ratio) for step, ratio in probe.updates.ratios if onset is None or step <= onset
    ]
    if not measured:
        return
    step, ratio = max(measured, key=lambda pair: pair[1])
    if ratio >= LONG:
        yield Observation(
            "update_too_long",
            f"the update of step {step} was {ratio:.0%} as long as the weights it changed",
            step,
            min(1.0, 0.3 + 0.7 * math.log10(ratio / LONG)),
            {"ratio": ratio},
        )
