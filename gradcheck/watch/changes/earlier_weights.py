"""The batches of the trouble meet the weights of some steps before it."""

from __future__ import annotations

from gradcheck.watch.changes.freeze_weights import FreezeWeights


class EarlierWeights(FreezeWeights):
    """Weights are kept as they were: a batch that stands out does so for these as well.

    An examination, not a remedy.
    """

    action = "Give the same batches to the weights of some steps before (an examination, no remedy)"


CHANGE = EarlierWeights
