"""Fits the table of weights: multinomial logistic regression, drawn to what causes expect.

The weights that the causes declare are the mean of a Gaussian prior, so that what the suite does
not show stays what the mechanism says; a weight never changes its sign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from gradcheck import weight_table
from gradcheck.weight_table import Table
from tests.evaluation.observations import Observation, Seen
from tests.faults.recipe import HEALTHY
from tests.faults.suite import Truth

Matrix = npt.NDArray[np.float64]
CIRCUMSTANCES = ("quiet", "warned", "passing", "failed")
WEIGHT_SPREAD, PRIOR_SPREAD = 1.0, 0.5
"""Standard deviations of the prior: how far a fit may pull a weight or a cause's own prior."""
APART_SPREAD = 0.1
LOOKALIKES = (
    ("poor_initialization", "unscaled_features"),
    ("nonfinite_input_or_target", "undefined_operation"),
    ("nonfinite_input_or_target", "nonfinite_from_the_start"),
)
"""Causes that share most of their picture: a fit moves their weights together, and what sets them
apart stays what their mechanisms say."""
CAUSE_SHARE = 10.0
"""Rows that each cause counts for, however many its runs are."""
HEALTHY_SHARE = 5.0
RARE = {"corrupted_weights": 0.3, "half_precision_optimizer": 0.3}
"""Causes that are far rarer in life than in the suite."""


@dataclass(frozen=True)
class Design:
    """Names of the columns: causes and clues; and which weights there are."""

    causes: tuple[str, ...]
    clues: tuple[str, ...]
    expected: Matrix
    """(causes, clues) log-odds that the causes declare, or that a proof has against the others."""
    declared: npt.NDArray[np.bool_]
    """(causes, clues) which of them a cause declares: the others are not fitted."""
    keys: npt.NDArray[np.bool_]
    """(causes, clues) which clues a cause may rest on."""
    priors: Matrix
    none: Matrix
    """Log-odds of none of these in each of CIRCUMSTANCES."""

    def known(self, strengths: Matrix) -> npt.NDArray[np.bool_]:
        """(rows, causes) whether a key clue of the cause was seen."""
        seen: npt.NDArray[np.bool_] = (strengths > 0).astype(float) @ self.keys.T > 0
        return seen


def design() -> Design:
    """The columns of the catalogue as it is."""
    table = weight_table.expected()
    causes, clues = tuple(table.prior), tuple(weight_table.clue_kinds())
    expected = np.array([[table.of(cause, clue) for clue in clues] for cause in causes])
    declared = np.array([[clue in table.weight[cause] for clue in clues] for cause in causes])
    keys = np.array([[clue in table.keys[cause] for clue in clues] for cause in causes])
    priors = np.array([table.prior[cause] for cause in causes])
    none = np.array([table.none[c] for c in CIRCUMSTANCES])
    return Design(causes, clues, expected, declared, keys, priors, none)


@dataclass(frozen=True)
class Parameters:
    """A table as matrices."""

    weights: Matrix
    priors: Matrix
    none: Matrix

    def scores(
        self, columns: Design, strengths: Matrix, circumstance: npt.NDArray[np.int64]
    ) -> Matrix:
        """(rows, causes + 1) log-odds, none of these last; as `Table.score` adds them up."""
        speaking = strengths @ np.maximum(self.weights, 0.0).T * columns.known(strengths)
        against = strengths @ np.minimum(self.weights, 0.0).T
        return np.column_stack([speaking + against + self.priors, self.none[circumstance]])

    def table(self, columns: Design, digits: int | None = None) -> Table:
        """The same by name."""

        def value(number: float) -> float:
            return float(number) if digits is None else round(float(number), digits)

        weight = {
            cause: {
                clue: value(self.weights[i, k])
                for k, clue in enumerate(columns.clues)
                if columns.declared[i, k]
            }
            for i, cause in enumerate(columns.causes)
        }
        return Table(
            {cause: value(p) for cause, p in zip(columns.causes, self.priors, strict=True)},
            weight,
            {name: value(p) for name, p in zip(CIRCUMSTANCES, self.none, strict=True)},
            weight_table.expected().keys,
        )


def unfitted(columns: Design) -> Parameters:
    """What the causes expect."""
    return Parameters(columns.expected, columns.priors, columns.none)


def softmax(scores: Matrix) -> Matrix:
    """Probabilities of each row."""
    parts: Matrix = np.exp(scores - scores.max(axis=1, keepdims=True))
    parts /= parts.sum(axis=1, keepdims=True)
    return parts


def strengths_of(columns: Design, seen: Sequence[Seen]) -> Matrix:
    """(rows, clues) how clearly each clue was seen."""
    index = {clue: k for k, clue in enumerate(columns.clues)}
    matrix = np.zeros((len(seen), len(columns.clues)))
    for row, one in enumerate(seen):
        for key, strength, _ in one.clues:
            matrix[row, index[key]] += strength
    return matrix


def circumstances_of(seen: Sequence[Seen]) -> npt.NDArray[np.int64]:
    """The column of `none` that each row uses."""
    return np.array([CIRCUMSTANCES.index(one.circumstance) for one in seen], dtype=np.int64)


def fit(columns: Design, observations: Sequence[Observation]) -> Parameters:
    """The most probable weights; every recipe counts the same, however many runs it has."""
    usable = [one for one in observations if _teaches(one)]
    seen = [one.seen[0] for one in usable]
    strengths, circumstance = strengths_of(columns, seen), circumstances_of(seen)
    index = {cause: i for i, cause in enumerate(columns.causes)}
    truth = np.array([index.get(o.truth.cause or "", len(index)) for o in usable])
    share = _shares([one.truth for one in usable]) * _is_spoken_for(columns, strengths, truth)
    problem = _Problem(columns, strengths, circumstance, truth, share)
    return problem.solve()


def _is_spoken_for(
    columns: Design, strengths: Matrix, truth: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """Whether a key clue of the true cause was seen, or none is true.

    The other rows teach nothing: for their cause to be told, its prior would have to rise until it
    is told of everything.
    """
    known = np.column_stack([columns.known(strengths), np.ones(len(truth), dtype=bool)])
    spoken: npt.NDArray[np.bool_] = known[np.arange(len(truth)), truth]
    return spoken


def _shares(truths: Sequence[Truth]) -> Matrix:
    """The weight of each row: all causes count the same, and so do the recipes of a cause.

    With a cause weighed by its number of recipes, the one that is left out would always be
    the less likely of two that look alike.
    """
    runs = Counter(truth.recipe for truth in truths)
    recipes = Counter(cause for _, cause in {(t.recipe, t.cause) for t in truths})
    return np.array(
        [
            CAUSE_SHARE
            * (HEALTHY_SHARE if t.cause is None else RARE.get(t.cause, 1.0))
            / (runs[t.recipe] * recipes[t.cause])
            for t in truths
        ]
    )


def _teaches(one: Observation) -> bool:
    """Whether there is something to explain; what no detector saw says nothing about causes."""
    if len(one.seen) != 1:
        return False
    return one.truth.family == HEALTHY or one.seen[0].circumstance != "quiet"


@dataclass(frozen=True)
class _Problem:
    columns: Design
    strengths: Matrix
    circumstance: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]
    share: Matrix

    def solve(self) -> Parameters:
        start = self._pack(unfitted(self.columns))
        found = minimize(self._cost, start, jac=True, method="L-BFGS-B", bounds=self._bounds())
        return self._unpack(found.x)

    def _pack(self, p: Parameters) -> Matrix:
        return np.concatenate([p.weights[self.columns.declared], p.priors, p.none])

    def _unpack(self, x: Matrix) -> Parameters:
        number = int(self.columns.declared.sum())
        weights = self.columns.expected.copy()
        weights[self.columns.declared] = x[:number]
        causes = len(self.columns.causes)
        return Parameters(weights, x[number : number + causes], x[number + causes :])

    def _bounds(self) -> list[tuple[float | None, float | None]]:
        """A weight keeps the sign that its mechanism gives it."""
        declared = self.columns.expected[self.columns.declared]
        signs = [(0.0, None) if w >= 0 else (None, 0.0) for w in declared]
        return [*signs, *[(None, None)] * (len(self.columns.causes) + len(CIRCUMSTANCES))]

    def _cost(self, x: Matrix) -> tuple[float, Matrix]:
        p = self._unpack(x)
        scores = p.scores(self.columns, self.strengths, self.circumstance)
        top = scores.max(axis=1)
        log_total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
        rows = np.arange(len(self.truth))
        loss = float((self.share * (log_total - scores[rows, self.truth])).sum())
        slope = softmax(scores)
        slope[rows, self.truth] -= 1.0
        slope *= self.share[:, None]
        none = np.array(
            [slope[self.circumstance == c, -1].sum() for c in range(len(CIRCUMSTANCES))]
        )
        causes = slope[:, :-1]
        known = self.columns.known(self.strengths)
        by_weight = np.where(
            self.columns.expected >= 0,
            (causes * known).T @ self.strengths,
            causes.T @ self.strengths,
        )
        gradient = Parameters(by_weight, causes.sum(axis=0), none)
        start = unfitted(self.columns)
        off = self._pack(p) - self._pack(start)
        spread = np.full(len(x), WEIGHT_SPREAD)
        spread[-(len(self.columns.causes) + len(CIRCUMSTANCES)) :] = PRIOR_SPREAD
        loss += float((0.5 * (off / spread) ** 2).sum())
        slope_of_prior = off / spread**2
        for one, other in self._lookalikes():
            apart = off[one] - off[other]
            loss += float((0.5 * (apart / APART_SPREAD) ** 2).sum())
            slope_of_prior[one] += apart / APART_SPREAD**2
            slope_of_prior[other] -= apart / APART_SPREAD**2
        return loss, self._pack(gradient) + slope_of_prior

    def _lookalikes(self) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Places, in the packed vector, of the weights and priors that move together."""
        place = np.full(self.columns.declared.shape, -1)
        place[self.columns.declared] = np.arange(int(self.columns.declared.sum()))
        pairs = []
        for names in LOOKALIKES:
            one, other = (self.columns.causes.index(name) for name in names)
            both = (place[one] >= 0) & (place[other] >= 0)
            first = int(self.columns.declared.sum())
            pairs.append(
                (
                    np.append(place[one][both], first + one),
                    np.append(place[other][both], first + other),
                )
            )
        return pairs
