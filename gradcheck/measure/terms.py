"""Whether the terms of a loss were given other weights: a total may rise as all goes well."""

from __future__ import annotations

import numpy as np

from gradcheck.model import Objective, Role, Run, Series

LEAST_ROWS = 10
MOST_TRADED, TRADED = 10.0, 3.0
"""Growth of a total up to which its terms may have been weighed anew, and the fall of one of them
that tells."""
WHOLE_OR_PART = (Objective.MINIMISED, Objective.COMPONENT)


def are_weighed_anew(run: Run, loss: Series, rows: tuple[int, int]) -> bool:
    """Whether terms of a loss that rose in these rows were weighed anew.

    One fell by much meanwhile, or one began: what diverges takes all its terms along, or leaves
    the others where they were.
    """
    first, last = rows
    before, after = loss.value[max(0, first - LEAST_ROWS) : first], loss.value[first : last + 1]
    if not len(before) or float(np.median(after)) > MOST_TRADED * abs(float(np.median(before))):
        return False
    steps = (int(loss.step[first]), int(loss.step[last]))
    terms = (s for s in run.every(Role.LOSS) if s is not loss and s.objective in WHOLE_OR_PART)
    rise = float(np.median(after[-len(after) // 4 :])) - float(np.median(before))
    others = run.every(Role.OTHER)
    return any(_fell(one, *steps) for one in terms) or any(
        _was_switched_on(one, *steps, rise) for one in others
    )


def _was_switched_on(term: Series, first: int, last: int, rise: float) -> bool:
    """Whether a number was exactly 0 before, and has come to most of the rise since."""
    before = term.value[term.step < first]
    during = term.value[(term.step >= first) & (term.step <= last)]
    off = before[: -2 * LEAST_ROWS]  # it may have risen for a while before the total shows it
    if len(off) < LEAST_ROWS or off.any() or len(during) < LEAST_ROWS:
        return False
    return 0.5 * rise < float(np.median(during[-len(during) // 4 :])) < 1.5 * rise


def _fell(term: Series, first: int, last: int) -> bool:
    before = term.value[(term.step < first)][-LEAST_ROWS // 2 :]
    during = term.value[(term.step >= first) & (term.step <= last)]
    if len(before) < LEAST_ROWS // 2 or len(during) < LEAST_ROWS:
        return False
    usual, end = float(np.median(before)), float(np.median(during[-len(during) // 4 :]))
    return 0 < end < usual / TRADED
