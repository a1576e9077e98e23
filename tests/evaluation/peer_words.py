"""How the words of other tools are read: the family and the severity of a finding.

The reading is meant to be kind. A cause counts wherever the words name one, if only as a remedy
("lower the learning rate" blames the learning rate), and of several causes joined by "or" the
first counts, because it is what a user tries first. A symptom that is what a family is defined by
counts as that family: a loss that diverges or a gradient norm that spikes is exploding_gradients, a
loss that never improves is stalled_training. NaN alone names no cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gradcheck.model import INCONCLUSIVE, Family
from tests.evaluation.peer_tools import Said

EXPLODING, DATA = Family.EXPLODING_GRADIENTS, Family.BAD_DATA
UNSTABLE, STALLED = Family.UNSTABLE_LOSS, Family.STALLED_TRAINING

READ_AS: Mapping[str, Sequence[tuple[str, Family]]] = {
    # the first of the likely causes
    "runmedic": (
        ("The LR schedule never stops increasing", EXPLODING),
        ("Exploding gradients", EXPLODING),
        ("Learning rate too high", EXPLODING),
        ("missing warmup", EXPLODING),
        # goes on: "or an unstable op"
        ("Sudden blow-up with no visible lead-up: a single bad batch", DATA),
        ("Individual bad batches", DATA),
        # goes on: "NaN/inf in inputs or labels, log(0) or division by zero in the loss, or ..."
        ("NaN from the very first steps points to a bug", DATA),
        ("fp16 range is too small", UNSTABLE),
        ("The learning rate is zero for the whole run", STALLED),
        ("The model outputs the same prediction for every input", STALLED),
        ("Weights are not updated", STALLED),
    ),
    # the message
    "losslint": (
        ("data shard or LR bug?", DATA),
        ("train loss diverged", EXPLODING),
    ),
    # the first of the fixes
    "trainspotter": (
        ("Lower the learning rate", EXPLODING),
        ("Enable or lower gradient clipping", EXPLODING),
        ("Add LR warmup", EXPLODING),
    ),
    # the message with its evidence
    "trainproof": (
        ("Loss curve is diverging", EXPLODING),
        ("Gradient norm spikes detected", EXPLODING),
        ("A common cause is fp16 weights trained without a loss scaler", UNSTABLE),
        ("every target label is masked", DATA),
        ("Loss curve is completely flat", STALLED),
        ("Loss never improved over the run", STALLED),
        ("no gradient reached the weights", STALLED),
        ("Learning rate is zero for", STALLED),
    ),
}
"""For each tool: words that are found in a finding, and the family that a user would take them for;
the first match counts."""
SPIKES = ("loss_spikes", "grad_spikes", "loss_spike", "spikes", "grad_norm", "TP-GRAD-SPIKE")
"""Rules that speak of a spike, however grave their tool finds it."""
SEVERITIES = ("failure", "spike", "warning")


def family_of(tool: str, said: Said) -> str:
    """The family that the finding blames, or inconclusive."""
    for words, family in READ_AS[tool]:
        if words in said.words:
            return family.value
    return INCONCLUSIVE


def severity_of(said: Said) -> str:
    """What the finding would be called by gradcheck."""
    if said.rule in SPIKES:
        return "spike"
    return "failure" if said.grave else "warning"
