"""The weights changed between two steps by more than an update can.

## What happens
A bit flips in memory, on a bus or in a faulty unit; a checkpoint is overwritten; another process
writes into shared weights. A flipped exponent bit makes one number 2^64 times as large.

## How it looks in a log
The loss jumps in one row after a gradient of ordinary size, and does not come back in the next
one: the damage stays until training has worked it off. Or everything is NaN at once.

## How it looks from inside
The weights before the step are not those that the last step left, or hold NaN or infinity that no
update put there; or a gradient, or an optimizer's average, is written to by something that is
neither backward nor the update. A replay from a snapshot does not show the jump, unless a line of
the script makes it.

## What it is confused with
An outlier batch: the loss of the next batch is back, or the run explodes from the huge gradient. A
learning rate that is too high: several rows of growth.

## Sources
Dixit et al. 2021, Silent data corruptions at scale; Megatron-LM's rerun state machine, which
replays a step to tell transient from persistent faults.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    if "weights_written_outside" in finding.clues:
        yield Remedy(
            "Let nothing but the optimizer write to what it trains: load other weights, averaged "
            "ones say, into a copy, or put the trained ones back in the same function",
            "preview = copy.deepcopy(model)\npreview.load_state_dict(averaged)",
            None,
            "PyTorch documentation, torch.nn.Module.load_state_dict",
        )
    yield Remedy(
        "Replay the step from the last checkpoint: if the jump does not come back, the fault was "
        "transient; look at the machine (ECC counters, dmesg, dcgmi diag) and take it "
        "out if it recurs",
        None,
        None,
        "Dixit et al. 2021, Silent data corruptions at scale",
    )
    yield advice.resume_before(finding)
    yield Remedy(
        "Keep a checksum or the norm of the weights over each step: they may change only inside "
        "optimizer.step()",
        None,
        None,
        "Dixit et al. 2021, Silent data corruptions at scale",
    )


CAUSE = Cause(
    family=Family.CORRUPTED_STATE,
    summary="weights changed between two steps by more than an update can (a memory fault)",
    prior=-6.5,
    weights={
        "gradient_jumped_too": 0.5,
        "infinite_before_nan": 1.0,
        "jump_then_decay": 3.5,
        "one_row_jump": 2.5,
        "slow_recovery": 1.0,
        "sudden_nonfinite": 2.5,
        "failed_together": 0.3,
        "frozen_high": 1.0,
        "sharp_spike": -3.0,
        "gradient_ramp": -2.0,
        "loss_ramp": -2.0,
        "gradient_led_loss": -2.0,
        "gradient_rose_before": -3.0,
        "task_changed_at_onset": -4.0,
        "fixed_period": -4.0,
        "once_per_epoch": -4.0,
        "irregular_spikes": -1.5,
        "nonfinite_at_first_row": -3.0,
        "rate_raised_at_onset": -3.0,
        "gradient_failed_first": -0.5,
        "nan_left_no_trace": -4.0,
        "weight_nonfinite": 11.0,
        "moment_nonfinite": 11.0,
        "buffer_nonfinite": 0.0,
        "weights_written_outside": 8.0,
        "gradient_beyond_reason": 7.0,
        "float_overflowed": 0.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "calm_at_lower_rate": -2.0,
        "batch_alone_spikes": -5.0,
        "batches_spike_anyway": -5.0,
        "moments_lost": -3.0,
        "optimizer_began_anew": -3.0,
    },
    remedies=_remedies,
    trials=("guard_division", "guard_log"),
)
