"""What did `gradcheck watch` see inside the training: which tensor, operation or line?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.measure.robust import finite, level
from gradcheck.model import NONFINITE, STANDSTILL, Evidence, Kind, Observation, Severity, Where
from gradcheck.model.inside import NO_GRADIENT

UNRELATED = 0.3
"""How much is left of what was seen beside a trouble that it does not cause, or beside none."""
STALLS = frozenset(
    {
        "clipped_while_scaled",
        "parameters_left_out",
        "model_left_out",
        NO_GRADIENT,
        "units_dead_inside",
        "gradients_fade_with_depth",
    }
)
"""What keeps a run from learning, and breaks none; the others break a run, or do nothing."""

STAYS, UNCHANGED = 20, 0.8
"""Rows at the onset and at the end, and their levels, where nothing is done about a trouble."""

AT_START = frozenset(
    {
        "signal_keeps_size",
        "activations_grow_with_depth",
        "inputs_far_from_unit",
        "targets_far_from_unit",
    }
)
"""What the first step shows, which is about a first row out of size even where that is no harm."""

EITHER = frozenset({"targets_far_from_unit"})
"""What breaks a run at one learning rate and lets it stand still at another."""


def _seen(meaning: str) -> ClueKind:
    return ClueKind(meaning, needs=())


def _mistake(meaning: str) -> ClueKind:
    """What the loop does wrong in every step, from the first one on."""
    return ClueKind(meaning, needs=(), from_then_on=True)


def _proof(meaning: str) -> ClueKind:
    """What made the numbers bad, or ended the script: nothing else did."""
    return ClueKind(meaning, needs=(), against=-10.0)


CLUES = {
    # the first tensor that was not finite
    "input_nonfinite": _proof("the inputs of the batch hold NaN or infinity"),
    "target_nonfinite": _proof("the targets of the batch hold NaN or infinity"),
    "weight_nonfinite": _proof("a parameter was not finite before the step"),
    "buffer_nonfinite": _proof("a buffer was not finite before the step"),
    "moment_nonfinite": _proof("the optimizer's state was not finite before the step"),
    "log_of_zero_ran": _proof("a logarithm was taken of 0, by finite weights on a finite batch"),
    "division_by_zero_ran": _proof("an operation divided by 0"),
    "argument_left_domain": _proof("an operation got an argument for which it is not defined"),
    "exponential_overflowed": _proof("an exponential left the range of its type"),
    "ratio_overflowed": _proof("a ratio of the new policy to the old one left the range"),
    "softmax_row_masked": _proof("a softmax had nothing to distribute over: all of a row was -inf"),
    "statistic_of_one": _proof("a standard deviation or variance was taken of a single value"),
    "operation_undefined": _proof("an operation made NaN or infinity out of finite numbers"),
    "gradient_undefined": _proof("a derivative was undefined where its function was finite"),
    "half_overflowed": _proof("a number left the range of float16"),
    "half_gradient_overflowed": _proof("a gradient left the range of float16"),
    "float_overflowed": replace(
        _proof("finite numbers grew until float32 could not hold them"), surfaces=True
    ),
    "update_made_nonfinite": _proof("the optimizer's own arithmetic made weights non-finite"),
    "half_update_nonfinite": _proof("the optimizer's arithmetic left the range of float16"),
    "no_target_counted": _proof(
        "no target of the batch counted: its loss is an average of nothing"
    ),
    "target_left_domain": _proof("the loss is not defined for a target of the batch"),
    "ctc_did_not_fit": _proof("a CTC target does not fit its input"),
    # what ended the script
    "target_outside_classes": _proof("a target of the failing batch is no class of the model"),
    "id_outside_table": _proof("an index of the failing batch lies beyond its table"),
    "one_value_to_normalise": _proof("a batch normalisation got a single value per channel"),
    "probability_outside_range": _proof("a loss refused probabilities or targets outside [0, 1]"),
    # mistakes of the loop
    "gradients_kept": _mistake("gradients of the step before were still there when backward began"),
    "clipped_while_scaled": _seen("gradients were clipped while multiplied by the loss scale"),
    "clipped_too_late": _seen("gradients were clipped after the step that used them"),
    "clipped_nothing": _seen("clipping got no parameters"),
    "clipped_too_early": _seen("gradients were clipped before backward had filled them"),
    "accumulated_undivided": _seen("losses of several batches were added up, not averaged"),
    "update_climbs": _mistake("the optimizer moves the weights along the gradient, not against it"),
    "loss_negated": _mistake("the loss is the negative of something that should become small"),
    "loss_partly_negated": _seen("an error without an upper bound is subtracted in the loss"),
    "parameters_left_out": _seen("parameters of the model were never updated"),
    "gradients_missing": _mistake("most of what the optimizer is to train never gets a gradient"),
    "model_left_out": _mistake("no parameter that gets a gradient is updated"),
    "weights_written_outside": _seen("weights or gradients were overwritten between two updates"),
    "moments_lost": _seen("an optimizer went on from second moments that a checkpoint lost"),
    "optimizer_began_anew": _seen("an optimizer without a memory went on with a model built again"),
    # finite trouble
    "update_too_long": _seen("updates are long beside the weights they change"),
    "activations_grow_with_depth": _seen("signals grow from layer to layer before any update"),
    "signal_keeps_size": _seen("signals keep their size from layer to layer before any update"),
    "inputs_far_from_unit": _seen("inputs are far from unit size"),
    "targets_far_from_unit": _seen("targets are far from unit size"),
    "batch_stands_out": _seen("the batch of the onset is far larger than those before it"),
    "sample_returns": _seen("the sample that stands out is in the batches of later spikes as well"),
    "batch_shrank": _seen("the batch of the onset is much smaller than those before it"),
    "density_narrowed": _seen("the loss is a density of a learned width, and has become narrow"),
    "targets_in_range": _seen("no target lies outside of what a binary cross-entropy can have"),
    "batch_ordinary": _seen("the inputs of the onset are no larger than those before it"),
    "target_stands_out": _seen("the targets of the onset are far larger than those before it"),
    "recurrence_grows": _seen("the gradient of a recurrent weight grew first and fastest"),
    "moment_lagged": _seen("the second moment lagged behind the gradient"),
    "ratio_left_range": _seen("probability ratios of the new policy to the old one are far from 1"),
    "units_dead_inside": _seen("most units of a layer are 0 for every sample"),
    "gradients_fade_with_depth": _seen("gradients fade from the last layer to the first"),
}

LASTING = frozenset({"probability_outside_range"})
"""Proofs that hold in every step from the first one on."""


SCALED_AWAY = frozenset({"half_gradient_overflowed", "half_overflowed"})
"""What a loss scaler is there for: it finds its scale by such steps, and skips them."""
POISONED, DATA = "buffer_nonfinite", frozenset({"input_nonfinite", "target_nonfinite"})
"""What lasts of a bad batch whose update was skipped, and what it was."""


def observe(case: Case) -> Iterator[Clue]:
    """Pass on what was observed, the clearest of each kind; a later version's keys say nothing."""
    known = [seen for seen in case.run.observations if seen.key in CLUES]
    if not (case.failed or any(event.kind in NONFINITE for event in case.events)):
        known = [seen for seen in known if seen.key not in SCALED_AWAY]
    proofs = [seen for seen in known if CLUES[seen.key].against]
    others = [seen for seen in known if not CLUES[seen.key].against]
    clearest: dict[str, Observation] = {}
    for seen in (*_of_the_failure(case, proofs), *others):
        if seen.key not in clearest or seen.strength > clearest[seen.key].strength:
            clearest[seen.key] = seen
    for seen in clearest.values():
        evidence = Evidence(seen.statement, None, seen.step, seen.step)
        strength = seen.strength * _share(case, seen)
        yield Clue(seen.key, evidence, strength, seen.values, seen.where)


def _share(case: Case, seen: Observation) -> float:
    """How much of its weight a clue has, beside the trouble that there is."""
    key = seen.key
    if case.trigger is None:
        return UNRELATED
    if CLUES[key].against:
        return 1.0
    if key in STALLS:
        related = case.trigger.severity is Severity.WARNING or _begins_it(case, seen)
    elif key in EITHER and any(event.kind in STANDSTILL for event in case.events):
        related = True
    else:
        drifts = case.trigger.kind is Kind.DIVERGENCE
        at_start = key in AT_START and case.trigger.step == seen.step
        related = drifts or at_start or case.trigger.severity is not Severity.WARNING
    return 1.0 if related else UNRELATED


def _begins_it(case: Case, seen: Observation) -> bool:
    """Whether the trouble came with a model that nothing trains, and stays as it does."""
    trouble = case.trigger
    if seen.key != "model_left_out" or not seen.step or case.onset_step is None:
        return False
    if trouble is None or trouble.kind in NONFINITE or case.loss is None:
        return False
    after = finite(case.loss.value[case.onset_row(case.loss) :])
    if len(after) < 2 * STAYS or level(after[-STAYS:]) < UNCHANGED * float(after[:STAYS].max()):
        return False  # what towers above what follows is another matter
    return abs(case.onset_step - seen.step) <= max(1, case.cadence)


def _of_the_failure(case: Case, proofs: Sequence[Observation]) -> list[Observation]:
    """The first proof from the onset on: one before was shaken off, a later one is what it left.

    An update may do its damage a step before the loss shows it; what lasts may begin long before.
    """
    begin = case.onset_step
    if begin is not None:
        earliest = begin - case.cadence
        proofs = [p for p in proofs if p.step is None or p.step >= earliest or p.key in LASTING]
    if not proofs:
        return []
    left = [p for p in proofs[1:] if p.key == POISONED and proofs[0].key in DATA]
    return [_left_behind(left[0], proofs[0]) if left else _in_full(proofs)]


def _in_full(proofs: Sequence[Observation]) -> Observation:
    """The first as it was seen later with its line, if it was first seen without: more closely."""
    first = proofs[0]
    same = (p for p in proofs if p.key == first.key and p.where and p.where.line)
    return replace(next(same, first), step=first.step)


def _left_behind(seen: Observation, batch: Observation) -> Observation:
    """What a bad batch left behind although its update was skipped, told with that batch.

    The training went on without it: what is broken since is what the forward pass wrote.
    """
    samples = batch.where.samples if batch.where is not None else None
    where = replace(seen.where or Where("state"), samples=samples)
    said = f"{seen.statement}; its update was skipped, but {batch.statement}"
    return replace(seen, statement=said, step=batch.step, where=where)
