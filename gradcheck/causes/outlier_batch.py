"""One batch is far outside of what the model has seen.

## What happens
A sample with features or a target orders of magnitude too large gives a finite but enormous loss
and gradient. Plain SGD takes an enormous step and the run explodes afterwards; Adam or clipping
survives it and is back in the next row.

## How it looks in a log
The first abnormal row is a jump, in loss and gradient norm at once, with nothing before it. Loss
and gradient of a row come from the same weights, and those were good a row earlier: the batch was
different. What happens after the jump (recovery, ramp, NaN) says nothing about the cause.

## How it looks from inside
All tensors are finite; one sample's loss, inputs or target lie orders of magnitude from the rest of
the batch.

## What it is confused with
A learning rate that is too high: several rows of growth lead up to the failure.
A recurring bad sample: the jump returns every epoch.

## Sources
Huber 1964; PaLM 2022 §5.1 (spike batches did not spike from other weights: in
very large models a batch can be an outlier for some weights only).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    step = finding.case.onset_step
    where = "the spike" if step is None else f"{finding.case.run.unit} {step}"
    if known := advice.look_at_samples(finding):
        yield known
    else:
        yield _compare(where)
    yield advice.robust_loss()
    yield advice.clip_gradients(finding)
    if finding.case.failed:
        yield advice.resume_before(finding)
    yield prevention.assert_on_batches()
    yield prevention.keep_checkpoints(finding)


def _compare(where: str) -> Remedy:
    return Remedy(
        f"Look at the batch of {where}: compare each sample's range and loss "
        "with the others; correct or drop the one that stands out",
        "loss = torch.nn.functional.mse_loss(prediction, target, "
        "reduction='none')\nworst = loss.flatten(1).mean(1).topk(5)",
        None,
        "Karpathy, A recipe for training neural networks",
    )


CAUSE = Cause(
    family=Family.BAD_DATA,
    summary="one batch is far outside the rest of the data",
    weights={
        "weights_written_outside": -4.0,
        "gradient_jumped_too": 3.0,
        "jump_then_decay": -0.5,
        "gradient_calm_at_spike": -4.0,
        "loss_climbed": 1.0,
        "huge_gradient_before_nan": 1.0,
        "nonfinite_on_resume": -4.0,
        "impossible_sign": -3.0,
        "spikes_from_negative": -2.0,
        "calm_before": 0.7,
        "one_row_jump": 6.0,
        "sharp_spike": 6.0,
        "gradient_only_spike": 1.0,
        "flat_gradient": 0.5,
        "rate_constant": 0.3,
        "frozen_high": 0.3,
        "gradient_ramp": -3.0,
        "loss_ramp": -1.5,
        "gradient_led_loss": -3.0,
        "gradient_rose_before": -4.0,
        "slow_gradient_growth": -1.5,
        "sudden_nonfinite": -2.0,
        "blow_up_from_start": -2.0,
        "nonfinite_at_first_row": -8.0,
        "nonfinite_after_first_row": -2.0,
        "rate_raised_at_onset": -4.0,
        "fixed_period": -2.0,
        "once_per_epoch": -2.0,
        "irregular_spikes": -1.0,
        "square_law": -2.0,
        "slow_recovery": -1.5,
        "learned_anew": -5.0,
        "task_changed_at_onset": -4.0,
        "gradients_add_up": -1.0,
        "huge_first_loss": -1.0,
        "gradient_failed_first": -4.0,
        "nan_left_no_trace": -2.0,
        "scale_fell_beside_nan": -1.0,
        "spikes_follow_rate": -4.0,
        "batch_stands_out": 7.0,
        "sample_returns": -2.0,
        "target_stands_out": 7.0,
        "float_overflowed": 2.0,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "update_made_nonfinite": 0.0,
        "activations_grow_with_depth": -4.0,
        "recurrence_grows": -4.0,
        "gradients_kept": -1.0,
        "update_climbs": -4.0,
        "clipped_too_late": -6.0,
        "clipped_nothing": -6.0,
        "clipped_too_early": -6.0,
        "gradient_beyond_reason": -5.0,
        "spikes_return": 1.0,
        "batch_alone_spikes": 4.0,
        "batches_spike_anyway": -1.0,
        "earlier_weights_calm": -8.0,
        "moments_lost": -3.0,
        "optimizer_began_anew": -3.0,
        "batch_ordinary": -1.5,
        "batch_shrank": -3.0,
    },
    remedies=_remedies,
    trials=("without_samples", "skip_onset", "skip_batch", "clip_gradients"),
)
