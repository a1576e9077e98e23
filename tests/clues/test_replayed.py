"""Clues of what replays of a finite trouble told: is it the batches, or the weights?"""

from __future__ import annotations

import dataclasses

import pytest

from gradcheck.clues import replayed
from gradcheck.clues.replayed import CALM
from gradcheck.model import Observation, Replay, Run, Trial, Tried
from gradcheck.model.inside import EARLIER, FLOAT32, OVERWRITTEN, SKIP, SLOWER
from tests.clues import Table, cases
from tests.synthetic import Columns, clues_of, constant, decay, norms, put, run_of, steady

ROWS, AT = 400, 200
GONE, BACK, LATER = ("prevented", None), ("not_prevented", AT), ("delayed", AT + 20)

Outcome = tuple[str, int | None]


def tried(change: str, outcome: Outcome, *, healthy: bool = True) -> Tried:
    return Tried(change, "", None, Trial(outcome[0], 25, outcome[1], 1.0), healthy)


def spiked(*trials: Tried, reproduced: bool = True, stalled: bool = False) -> Run:
    """A run with a spike, and what came of running it again."""
    run = run_of({"loss": put(decay(ROWS), AT, 90.0), "grad_norm": put(norms(ROWS), AT, 70.0)})
    replay = Replay("fork", reproduced, True, 0, trials, (), stalled)
    return dataclasses.replace(run, replay=replay)


def layered(*trials: Tried) -> Run:
    """A run that stands still, and of whose two layers one gets no gradient."""
    layers = {"grad/0.weight": constant(ROWS, 0.0), "grad/2.weight": constant(ROWS, 2e-6)}
    run = run_of({"loss": steady(ROWS), "grad_norm": constant(ROWS, 2e-6), **layers})
    return dataclasses.replace(run, replay=Replay("fork", True, True, 0, trials, (), True))


def calm(*trials: Tried) -> Run:
    """The same of a run in which nothing happened."""
    replay = Replay("fork", True, True, 0, trials)
    return dataclasses.replace(run_of({"loss": decay(ROWS)}), replay=replay)


def still(*trials: Tried, norm: float = 0.0, reproduced: bool = True) -> Run:
    """A run whose gradients are of one size all along and that learns nothing."""
    run = run_of({"loss": steady(ROWS, usual=2.3, noise=0.003), "grad_norm": constant(ROWS, norm)})
    return dataclasses.replace(run, replay=Replay("fork", reproduced, True, 0, trials, (), True))


ALONE = (tried(EARLIER, BACK), tried(SKIP, GONE))
ANYWAY = (tried(EARLIER, BACK), tried(SKIP, BACK))
RETURNS = (tried(EARLIER, BACK), tried(SKIP, LATER))
AT_ONCE = tried(SKIP, ("delayed", AT + CALM - 1))
WEIGHTS = (tried(EARLIER, GONE), tried(SLOWER, GONE))

UNSEEN: Table = {
    "batch_alone_spikes": {
        "it did not come back": spiked(*ALONE, reproduced=False),
        "a run that stood still": spiked(*ALONE, stalled=True),
        "nothing happened": calm(*ALONE),
        "not at earlier weights": spiked(tried(EARLIER, GONE), tried(SKIP, GONE)),
        "not without the batch": spiked(*ANYWAY),
        "gone, and the training with it": spiked(
            tried(EARLIER, BACK), tried(SKIP, GONE, healthy=False)
        ),
        "only one of the two": spiked(tried(SKIP, GONE)),
    },
    "batches_spike_anyway": {
        "gone without the batch": spiked(*ALONE),
        "the batch was never skipped": spiked(tried(EARLIER, BACK)),
        "another spike much later": spiked(*RETURNS),
        "the script overwrote its weights": dataclasses.replace(
            spiked(*ANYWAY), observations=(Observation(OVERWRITTEN, "", AT),)
        ),
    },
    "spikes_return": {
        "gone for good": spiked(*ALONE),
        "a few steps later": spiked(tried(EARLIER, BACK), AT_ONCE),
        "not at earlier weights": spiked(tried(EARLIER, GONE), tried(SKIP, LATER)),
        "nobody knows when": spiked(tried(EARLIER, BACK), tried(SKIP, ("delayed", None))),
    },
    "earlier_weights_calm": {
        "still there": spiked(*ALONE),
        "never tried": spiked(tried(SLOWER, GONE)),
        "it did not come back": spiked(*WEIGHTS, reproduced=False),
    },
    "calm_at_lower_rate": {
        "the batch is to blame": spiked(tried(EARLIER, BACK), tried(SLOWER, GONE)),
        "a lower rate spikes too": spiked(tried(EARLIER, GONE), tried(SLOWER, BACK)),
        "a lower rate spikes later": spiked(tried(EARLIER, GONE), tried(SLOWER, LATER)),
        "a lower rate learns nothing": spiked(
            tried(EARLIER, GONE), tried(SLOWER, GONE, healthy=False)
        ),
    },
    "gradients_back_in_float32": {
        "float32 learns nothing either": still(tried(FLOAT32, BACK)),
        "nor has a gradient": still(dataclasses.replace(tried(FLOAT32, BACK), gradient=0.0)),
        "it had one": still(dataclasses.replace(tried(FLOAT32, BACK), gradient=1e-9), norm=1e-9),
        "never tried": still(tried(SLOWER, GONE)),
        "small, but not 0": still(tried(FLOAT32, GONE), norm=1e-9),
        "it did not come back": still(tried(FLOAT32, GONE), reproduced=False),
        "a run that spiked": spiked(tried(FLOAT32, GONE)),
        "of one layer, no better": layered(tried(FLOAT32, BACK)),
    },
}
SEEN: Table = {
    "batch_alone_spikes": {"both": spiked(*ALONE)},
    "batches_spike_anyway": {"both": spiked(*ANYWAY), "soon": spiked(ALONE[0], AT_ONCE)},
    "spikes_return": {
        "both": spiked(*RETURNS),
        "soon": spiked(tried(EARLIER, BACK), tried(SKIP, ("delayed", AT + CALM))),
    },
    "earlier_weights_calm": {
        "gone": spiked(*WEIGHTS),
        "gone for a while": spiked(tried(EARLIER, LATER)),
    },
    "calm_at_lower_rate": {"both": spiked(*WEIGHTS)},
    "gradients_back_in_float32": {
        "learns": still(tried(FLOAT32, GONE)),
        "has a gradient": still(dataclasses.replace(tried(FLOAT32, BACK), gradient=1e-9)),
        "of one layer": layered(tried(FLOAT32, GONE)),
    },
}


@cases(UNSEEN)
def test_unseen(key: str, run: Run | Columns) -> None:
    assert key not in clues_of(run)


@cases(SEEN)
def test_seen(key: str, run: Run | Columns) -> None:
    assert key in clues_of(run)


@pytest.mark.parametrize("trials", [ALONE, ANYWAY, RETURNS, WEIGHTS])
def test_one_answer_only(trials: tuple[Tried, ...]) -> None:
    told = {"batch_alone_spikes", "batches_spike_anyway", "spikes_return", "earlier_weights_calm"}
    assert len(told & clues_of(spiked(*trials)).keys()) == 1


@pytest.mark.parametrize("trials", [ALONE, ANYWAY, RETURNS, WEIGHTS])
def test_evidence_is_of_the_step_that_spiked(trials: tuple[Tried, ...]) -> None:
    found = clues_of(spiked(*trials))
    shown = [found[key].evidence for key in replayed.CLUES.keys() & found.keys()]
    assert shown
    assert {(one.series, one.first_step, one.last_step) for one in shown} == {(None, AT, AT)}
