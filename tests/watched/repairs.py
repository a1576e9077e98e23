"""Which changes repair a fault, by its true cause: the repair, and what comes to the same."""

from __future__ import annotations

from collections.abc import Mapping

BATCH = ("skip_batch", "skip_nonfinite", "without_samples")
STEPS = ("lower_learning_rate", "clip_gradients")

REPAIRS: Mapping[str, tuple[str, ...]] = {
    "adversarial_imbalance": STEPS,
    "argument_out_of_domain": ("guard_domain", "guard_log", "guard_sqrt"),
    "clipping_before_unscale": ("unscale_first", "clip_gradients"),
    "division_by_zero": ("guard_division",),
    "empty_targets": ("guard_empty_mean", "guard_division", *BATCH),
    "exponential_overflow": ("guard_exponential",),
    "fully_masked_softmax": ("guard_softmax",),
    "gradient_ascent": ("reverse_gradient",),
    "gradient_growth": STEPS,
    "half_precision_optimizer": ("raise_epsilon", "float32"),
    "half_precision_overflow": ("float32",),
    "half_precision_underflow": ("float32", "guard_log"),
    "index_out_of_range": ("clamp_indices", "without_samples"),
    "learning_rate_schedule": ("hold_learning_rate", "lower_learning_rate"),
    "learning_rate_too_high": ("lower_learning_rate",),
    "log_of_zero": ("guard_log",),
    "loss_scale_collapse": ("float32", "guard_sqrt"),
    "misplaced_clipping": ("clip_gradients",),
    "missing_zero_grad": ("zero_gradients",),
    "nonfinite_input": ("without_samples", "replace_nonfinite_inputs", "skip_nonfinite"),
    "nonfinite_target": ("without_samples", "mask_targets", "skip_nonfinite"),
    "outlier_batch": ("without_samples", "skip_batch", "clip_gradients"),
    "partial_last_batch": ("drop_small_batches",),
    "poisoned_buffers": ("repair_buffers", *BATCH),
    "policy_ratio_explosion": ("guard_exponential", *STEPS),
    "poor_initialization": ("default_initialization",),
    "recurrent_growth": ("clip_gradients",),
    "recurring_bad_batch": ("without_samples", "skip_batch"),
    "resumed_without_state": ("lower_learning_rate", "hold_learning_rate"),
    "saturated_probabilities": ("guard_log",),
    "target_out_of_range": ("clamp_indices", "ctc_zero_infinity", "without_samples"),
    "temperature_runaway": ("hold_scalars", "lower_learning_rate"),
    "unbounded_loss": STEPS,
    "unclipped_gradient_spikes": ("clip_gradients",),
    "undefined_gradient": (
        "guard_sqrt",
        "guard_division",
        "guard_domain",
        "guard_log",
        "jitter_decomposition",
    ),
    "undivided_accumulation": ("average_accumulated",),
    "unscaled_features": ("scale_inputs",),
}
"""Causes that are not here have no repair that acts on a running script."""


def of(causes: tuple[str, ...]) -> frozenset[str]:
    """What repairs a fault that may be called by any of these causes."""
    return frozenset(change for cause in causes for change in REPAIRS.get(cause, ()))
