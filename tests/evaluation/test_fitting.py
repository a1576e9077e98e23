"""The fit descends the slope it says it does, and keeps what mechanisms say."""

from __future__ import annotations

import numpy as np
import pytest

from gradcheck import weight_table
from tests.evaluation import fitting
from tests.evaluation.fitting import (
    CIRCUMSTANCES,
    LOOKALIKES,
    Design,
    Matrix,
    Parameters,
    circumstances_of,
    design,
    fit,
    strengths_of,
    unfitted,
)
from tests.evaluation.made_up import observation, observations, seen, truth
from tests.evaluation.observations import Observation, Seen

COLUMNS = design()


def problem_of(found: list[Observation]) -> fitting._Problem:
    rows = [one.seen[0] for one in found]
    index = {cause: i for i, cause in enumerate(COLUMNS.causes)}
    names = np.array([index.get(one.truth.cause or "", len(index)) for one in found])
    share = np.random.default_rng(1).uniform(0.1, 3.0, len(found))
    return fitting._Problem(
        COLUMNS, strengths_of(COLUMNS, rows), circumstances_of(rows), names, share
    )


def somewhere(columns: Design, seed: int) -> Parameters:
    """Weights off what is expected, of the same sign; those expected to be 0 are above it."""
    random = np.random.default_rng(seed)
    factors = random.uniform(0.5, 1.5, columns.expected.shape)
    stretched = columns.expected * np.where(columns.declared, factors, 1.0)
    lifted = np.where(columns.declared & (columns.expected == 0), 0.3, stretched)
    moved = random.normal(0, 0.5, len(columns.priors))
    return Parameters(lifted, columns.priors + moved, columns.none + random.normal(0, 0.5, 4))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_gradient_is_that_of_the_cost(seed: int) -> None:
    problem = problem_of(observations(seed, recipes=60))
    x = problem._pack(somewhere(COLUMNS, seed))
    _, gradient = problem._cost(x)
    declared = COLUMNS.expected[COLUMNS.declared]
    random = np.random.default_rng(seed)
    places = {
        *np.flatnonzero(declared == 0).tolist(),
        *range(len(declared), len(x)),
        *random.integers(len(declared), size=80).tolist(),
    }
    for place in places:
        step = np.zeros(len(x))
        step[place] = 1e-5
        rise = (problem._cost(x + step)[0] - problem._cost(x - step)[0]) / 2e-5
        assert gradient[place] == pytest.approx(rise, rel=1e-4, abs=1e-4), place


def test_packing_loses_nothing() -> None:
    problem = problem_of(observations(1, recipes=3))
    p = somewhere(COLUMNS, 1)
    back = problem._unpack(problem._pack(p))
    assert np.array_equal(back.weights, p.weights)
    assert np.array_equal(back.priors, p.priors)
    assert np.array_equal(back.none, p.none)


def test_weights_keep_the_signs_of_their_mechanisms() -> None:
    p = fit(COLUMNS, observations(5, recipes=80))
    assert (p.weights * COLUMNS.expected >= 0).all()
    assert (p.weights[COLUMNS.expected == 0] >= 0).all()
    assert np.array_equal(p.weights[~COLUMNS.declared], COLUMNS.expected[~COLUMNS.declared])
    assert np.abs(p.weights - COLUMNS.expected).max() > 0.1, "nothing was fitted"


def test_a_fit_descends() -> None:
    problem = problem_of(observations(6, recipes=60))
    start = problem._cost(problem._pack(unfitted(COLUMNS)))[0]
    assert problem._cost(problem._pack(problem.solve()))[0] < start


@pytest.mark.parametrize(("one", "other"), LOOKALIKES)
def test_lookalikes_move_together(one: str, other: str) -> None:
    """All runs are of one of the two, and the weights of the other follow."""
    a, b = COLUMNS.causes.index(one), COLUMNS.causes.index(other)
    shared = [
        clue
        for k, clue in enumerate(COLUMNS.clues)
        if COLUMNS.expected[a, k] >= weight_table.KEY and COLUMNS.expected[b, k] > 0
    ]
    assert shared, "the two share a key clue"
    family = weight_table.causes()[one].family.value
    found = [
        observation(truth(f"recipe{i}", family, one), dict.fromkeys(shared[:1], 0.3), "failed")
        for i in range(8)
    ]
    p = fit(COLUMNS, found)
    both = COLUMNS.declared[a] & COLUMNS.declared[b]
    moved = p.weights - COLUMNS.expected
    assert max(np.abs(moved[a][both]).max(), abs(p.priors[a] - COLUMNS.priors[a])) > 0.05
    apart = np.abs(moved[a] - moved[b])[both]
    # where a bound holds one of them at 0, the other is free
    free = (p.weights[a] != 0)[both] & (p.weights[b] != 0)[both]
    assert apart[free].max() < 0.15
    prior = p.priors - COLUMNS.priors
    assert abs(prior[a] - prior[b]) < 0.15


def test_rows_without_a_key_clue_teach_nothing() -> None:
    cause = "dead_units"
    rest = [one for one in observations(7, recipes=40) if one.truth.cause != cause]
    table = weight_table.expected()
    weak = [k for k, w in table.weight[cause].items() if 0 < w < weight_table.KEY]
    family = weight_table.causes()[cause].family.value
    silent = [
        observation(truth(f"silent{i}", family, cause), dict.fromkeys(weak, 1.0), "failed")
        for i in range(5)
    ]
    alone, beside = fit(COLUMNS, rest), fit(COLUMNS, rest + silent)
    assert np.allclose(alone.weights, beside.weights, atol=1e-3)
    assert np.allclose(alone.priors, beside.priors, atol=1e-3)
    strong = next(k for k, w in table.weight[cause].items() if w >= weight_table.KEY)
    spoken = [observation(one.truth, {strong: 1.0}, "failed") for one in silent]
    heard = fit(COLUMNS, rest + spoken)
    row = COLUMNS.causes.index(cause)
    assert abs(heard.priors[row] - alone.priors[row]) > 0.05


def test_what_no_detector_saw_teaches_nothing_about_causes() -> None:
    failing = truth("quiet", "bad_data", "outlier_batch")
    assert not fitting._teaches(observation(failing, {}, "quiet"))
    assert not fitting._teaches(Observation(failing, ()))
    assert not fitting._teaches(Observation(failing, (seen({}), seen({}))))
    assert fitting._teaches(observation(failing, {}, "failed"))
    assert fitting._teaches(observation(truth("sound"), {}, "quiet"))


def test_every_cause_counts_the_same_however_many_its_recipes() -> None:
    truths = [truth("a", "bad_data", "outlier_batch", variant=v) for v in range(3)]
    truths += [truth("b", "bad_data", "outlier_batch"), truth("c", "bad_data", "empty_targets")]
    truths += [truth("d"), truth("e")]
    share = fitting._shares(truths)
    total = fitting.CAUSE_SHARE
    assert share[:3].sum() == pytest.approx(total / 2)
    assert share[3] == pytest.approx(total / 2)
    assert share[4] == pytest.approx(total)
    assert share[5:].sum() == pytest.approx(total * fitting.HEALTHY_SHARE)


def random_strengths(random: np.random.Generator) -> dict[str, float]:
    picked = random.choice(COLUMNS.clues, size=int(random.integers(0, 9)), replace=False)
    return {str(clue): float(random.uniform(0.05, 1.0)) for clue in picked}


def test_the_matrices_score_as_the_table_does() -> None:
    random = np.random.default_rng(3)
    for seed in range(3):
        p = somewhere(COLUMNS, seed)
        table = p.table(COLUMNS)
        found = [random_strengths(random) for _ in range(60)]
        rows = [seen(one, str(random.choice(CIRCUMSTANCES))) for one in found]
        scores: Matrix = p.scores(COLUMNS, strengths_of(COLUMNS, rows), circumstances_of(rows))
        for row, strengths in enumerate(found):
            expected = [table.score(cause, strengths) for cause in COLUMNS.causes]
            assert scores[row, :-1] == pytest.approx(expected)
            assert scores[row, -1] == pytest.approx(table.none[rows[row].circumstance])


def test_unfitted_parameters_are_the_expected_table() -> None:
    table, expected = unfitted(COLUMNS).table(COLUMNS), weight_table.expected()
    assert (table.prior, table.weight, table.keys) == (
        expected.prior,
        expected.weight,
        expected.keys,
    )
    assert table.none == dict(expected.none)


def test_a_clue_seen_twice_adds_up() -> None:
    clue = COLUMNS.clues[3]
    twice = Seen("failed", True, "failure", (), 5, ((clue, 0.5, 1), (clue, 0.25, 2)))
    assert strengths_of(COLUMNS, [twice])[0, 3] == 0.75
