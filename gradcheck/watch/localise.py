"""Finds what is to blame for a failing step: by its replay, else by what can be seen from here."""

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from gradcheck.model import Observation, Where
from gradcheck.watch import tensors
from gradcheck.watch.followed import Batch, Followed, Step
from gradcheck.watch.investigate import observation_of
from gradcheck.watch.names import Names
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay.snapshot import Snapshots


def localise(
    probe: Probe, snapshots: Snapshots, followed: Followed, step: Step
) -> Sequence[Observation]:
    """The observations that say what made this step non-finite, the certain ones first."""
    answer = snapshots.run(snapshots.ticks, {})
    if answer is not None and answer.get("reproduced") and answer.get("observations"):
        return [observation_of(found) for found in answer["observations"]]
    return list(_from_here(probe, followed, step))


def _from_here(probe: Probe, followed: Followed, step: Step) -> Iterator[Observation]:
    """Batch, weights, buffers, optimizer state: what is not finite in the training itself."""
    found = list(_batch(probe.loading.batch, step))
    names = probe.optimizers.names
    yield from found
    for key, what, held in (
        ("weight_nonfinite", "parameter", names.parameters()),
        ("buffer_nonfinite", "buffer", names.buffers()),
    ):
        bad = [name for name, tensor in held.items() if not tensors.all_finite([tensor])]
        # running statistics that a bad batch has just passed through are no cause
        if bad and not (found and what == "buffer"):
            statement = f"the {what} {bad[0]} ({len(bad)} of {len(held)}) is not finite"
            yield Observation(key, statement, step.step, where=Where("state", bad[0]))
    yield from _moments(probe, names, step)


def _batch(batch: Batch | None, step: Step) -> Iterator[Observation]:
    if batch is None:
        return
    for place, (name, item) in enumerate(batch.items):
        if not item.is_floating_point() or tensors.all_finite([item]):
            continue
        phase = "target" if tensors.is_target(name, place, len(batch.items)) else "input"
        rows = tensors.nonfinite_rows(item)
        samples = None
        if batch.indices is not None and item.dim() and len(item) == len(batch.indices):
            samples = tuple(sorted(batch.indices[row] for row in rows))
        told = f" (dataset indices {', '.join(map(str, samples[:16]))})" if samples else ""
        yield Observation(
            f"{phase}_nonfinite",
            f"the {phase}s of step {step.step} hold numbers that are not finite{told}",
            step.step,
            where=Where(phase, samples=samples),
        )


def _moments(probe: Probe, names: Names, step: Step) -> Iterator[Observation]:
    for optimizer, followed in probe.optimizers.items():
        for place, parameter in enumerate(followed.parameters):
            state = optimizer.state.get(parameter, {})
            held = [v for v in state.values() if isinstance(v, Tensor) and v.is_floating_point()]
            if held and not tensors.all_finite(held):
                name = names.of(parameter, place)
                yield Observation(
                    "moment_nonfinite",
                    f"the optimizer's state of {name} is not finite",
                    step.step,
                    where=Where("state", name),
                )
                return
