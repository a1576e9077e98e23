"""What is known of a failure when its experiments begin: spike, drift or standstill."""

# mypy: allow-untyped-calls
from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from gradcheck import diagnosis
from gradcheck.model import Run
from gradcheck.watch import proof
from gradcheck.watch.followed import Step, Taken
from gradcheck.watch.probe import Probe
from gradcheck.watch.replay import trial, verdict
from gradcheck.watch.replay.prove import Situation
from tests.causes import runs
from tests.causes.runs import Columns
from tests.synthetic import decay, norms, run_of
from tests.watch.changes.acting import new_probe

ROWS = 200


def drifting(rows: int) -> Columns:
    """A loss without a floor: a divergence that the detectors only warn of."""
    falls = 1.0 - 8.0 * np.arange(rows) / rows + 0.02 * np.sin(np.arange(rows))
    return {"loss": falls, "grad_norm": norms(rows) * np.geomspace(1.0, 60.0, rows)}


def probed(columns: Columns) -> Probe:
    """A probe that went through a run of these numbers."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(1))], lr=0.01)
    probe = new_probe(None, optimizer)
    trail = probe.optimizers.trails[0]
    pairs = zip(columns["loss"], columns["grad_norm"], strict=True)
    for step, (loss, norm) in enumerate(pairs):
        trail.append(Taken(step, float(loss), float(norm), 0.01, step))
    return probe


def situation_of(columns: Columns) -> Situation | None:
    return proof.of_report(probed(columns), diagnosis.diagnose(run_of(columns)))


# ---- what is replayed as what


def test_a_healthy_run_is_not_replayed() -> None:
    assert situation_of(runs.healthy(ROWS, 1.0)) is None


def test_a_divergence_that_is_warned_of_is_a_drift_and_no_stall() -> None:
    found = situation_of(drifting(ROWS))
    assert found is not None
    assert found.failure.finite
    assert found.failure.drifts
    assert found.failure.stalled_at is None
    assert found.failure.step == found.trouble.tick == 83
    assert found.failure.lasts == proof.LONGEST


def test_a_run_that_learned_nothing_is_a_stall_and_no_drift() -> None:
    found = situation_of(runs.nothing_learned(ROWS, 1.0))
    assert found is not None
    assert not found.failure.drifts
    assert found.failure.stalled_at == pytest.approx(2.3, rel=0.01)
    assert found.trouble.tick == 0


@pytest.mark.parametrize("name", ["exploding_late", "one_outlier", "wrecking_outlier"])
def test_what_is_more_than_a_warning_is_neither(name: str) -> None:
    found = situation_of(getattr(runs, name)(ROWS, 1.0))
    assert found is not None
    assert found.failure.finite
    assert not found.failure.drifts
    assert found.failure.stalled_at is None


def two(columns: Columns, other: Columns) -> Probe:
    """A probe of two optimizers, of which the second takes a step after each of the first."""
    models = [nn.Parameter(torch.ones(width)) for width in (1, 2)]
    probe = new_probe(None, *(torch.optim.SGD([one], lr=0.01) for one in models))
    optimizers = probe.optimizers
    for place, numbers in enumerate((columns, other)):
        pairs = zip(numbers["loss"], numbers["grad_norm"], strict=True)
        optimizers.trails[place].extend(
            Taken(step, float(loss), float(norm), 0.01, 2 * step + place)
            for step, (loss, norm) in enumerate(pairs)
        )
        optimizers.loss_names[("student_loss", "teacher_loss")[place]] = place
    optimizers.together = 2
    return probe


def run_of_two(columns: Columns, other: Columns) -> Run:
    return run_of(
        {
            "loss/student_loss": columns["loss"],
            "optimizer_0/grad_norm": columns["grad_norm"],
            "loss/teacher_loss": other["loss"],
            "optimizer_1/grad_norm": other["grad_norm"],
        }
    )


def test_a_failure_is_that_of_the_optimizer_whose_loss_it_is() -> None:
    good, bad = runs.healthy(ROWS, 1.0), runs.exploding_late(ROWS, 1.0)
    for place, pair in enumerate(((bad, good), (good, bad))):
        found = proof.of_report(two(*pair), diagnosis.diagnose(run_of_two(*pair)))
        assert found is not None
        assert found.failure.place == place
        assert found.trouble.tick == 2 * found.failure.step + place
        assert found.per_step == 2
        at = found.failure.step
        assert found.known[at] == (bad["loss"][at], bad["grad_norm"][at])
        assert found.failure.series == {
            "loss/student_loss": 0, "optimizer_0/grad_norm": 0,
            "loss/teacher_loss": 1, "optimizer_1/grad_norm": 1,
        }  # fmt: skip


def test_a_failing_step_of_the_second_optimizer_is_known_as_its_own() -> None:
    pair = runs.healthy(50, 1.0), runs.healthy(50, 1.0)
    step = Step(1, 50, math.nan, math.nan, (), 0.01)
    found = proof.of_step(two(*pair), diagnosis.diagnose(run_of_two(*pair)), step, 101)
    assert (found.failure.place, found.onset) == (1, 101)
    assert math.isnan(found.known[50][1])


def test_a_model_that_learns_nothing_beside_one_that_does_is_the_one_that_stalls() -> None:
    pair = runs.healthy(ROWS, 1.0), runs.nothing_learned(ROWS, 1.0)
    found = proof.of_report(two(*pair), diagnosis.diagnose(run_of_two(*pair)))
    assert found is not None
    assert found.failure.stalled_at == pytest.approx(2.3, rel=0.01)
    assert (found.failure.place, found.trouble.tick) == (1, 1)


def test_a_replay_shows_as_many_steps_as_the_detectors_need() -> None:
    slow = {
        "loss": np.concatenate([decay(100), decay(100)[-1] * np.geomspace(1.0, 30.0, 900)]),
        "grad_norm": norms(1000),
    }
    found = situation_of(slow)
    assert found is not None
    last = 999 - found.failure.step
    assert verdict.FEWEST < found.failure.lasts <= last
    enough = verdict.rows_needed(found.failure, 999)
    assert enough == found.failure.lasts


# ---- gradients as they were before the script clipped them


def test_a_step_is_as_large_as_before_any_clipping() -> None:
    plain = Step(0, 7, 1.0, 3.0, (3.0,), 0.1)
    clipped = Step(0, 7, 1.0, 1.0, (1.0,), 0.1, unclipped=70.0)
    assert (plain.gradient, clipped.gradient, clipped.norm) == (3.0, 70.0, 1.0)
    assert Step(0, 7, 1.0, 1.0, (), 0.1, unclipped=0.0).gradient == 0.0
    assert [float.fromhex(trial._row(7, step)[4]) for step in (plain, clipped)] == [3.0, 70.0]


def test_a_failing_step_is_known_by_its_gradient_before_clipping() -> None:
    columns = {"loss": decay(50), "grad_norm": norms(50)}
    step = Step(0, 50, math.inf, 1.0, (), 0.01, unclipped=70.0)
    found = proof.of_step(probed(columns), diagnosis.diagnose(run_of(columns)), step, 50)
    assert found.known[50] == (math.inf, 70.0)
    assert found.known[49] == (columns["loss"][49], columns["grad_norm"][49])


def test_the_trail_and_the_row_are_of_before_clipping_and_the_history_is_not() -> None:
    w = nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.SGD([w], lr=0.01)
    probe = new_probe(None, optimizer)
    for clips in (False, True, False):
        optimizer.zero_grad()
        loss = (w**2).sum()
        probe.before_backward(loss)
        loss.backward()
        before = float(2 * w.detach())
        if clips:
            probe.clipped("clip_grad_norm_", [w], nn.utils.clip_grad_norm_([w], 1.0), 1.0)
        probe.before_step(optimizer, (), {})
        optimizer.step()
        probe.after_step(optimizer)
        step = probe.optimizers.history()[-1]
        assert step.norm == pytest.approx(1.0 if clips else before)
        assert (step.unclipped is None) is not clips
        assert probe.optimizers.trail[-1][2] == step.gradient == pytest.approx(before)
