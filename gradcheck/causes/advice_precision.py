"""Changes of the precision that several causes advise."""

from __future__ import annotations

from gradcheck.causes import words_precision
from gradcheck.causes.base import Finding
from gradcheck.causes.settings import BF16, FP16
from gradcheck.causes.words import has, settings_of, snippet
from gradcheck.model import Remedy

TORCH_AMP = "PyTorch documentation, Automatic Mixed Precision examples"


def prefer_bfloat16(finding: Finding) -> Remedy:
    """bfloat16 has the exponent range of float32 and needs no loss scaler; once is enough."""
    precision = settings_of(finding).precision
    if precision is not None and precision != FP16:
        return _already_wide(precision)
    if has(finding, words_precision.FP32) and not has(finding, words_precision.BF16):
        return full_precision(finding)
    return Remedy(
        "Train in bfloat16 (range of float32, no loss scaler) where the device has it",
        *snippet(finding, words_precision.BF16),
        TORCH_AMP,
    )


def _already_wide(precision: str) -> Remedy:
    named = "bfloat16" if precision == BF16 else "float32"
    return Remedy(
        f"The run is configured for {named}, which does not overflow at 65504: look for a part "
        "that is cast to float16 all the same",
        "half = [n for n, p in model.named_parameters() if p.dtype == torch.float16]\n"
        "assert not half, half",
        None,
        TORCH_AMP,
    )


def full_precision(finding: Finding) -> Remedy:
    """Mixed precision off: what then works was broken by the precision."""
    return Remedy(
        "Switch mixed precision off and train in float32: a run that then passes the bad step was "
        "broken by the range of float16",
        *snippet(finding, words_precision.FP32),
        TORCH_AMP,
        change="float32",
    )


def part_in_float32(finding: Finding) -> Remedy:
    """The layer that overflows, and the loss, kept out of half precision."""
    return Remedy(
        "Keep the layer that overflows (often the last projection of a feed-forward block) and "
        "the loss in float32",
        *snippet(finding, words_precision.PART_IN_FP32),
        "PyTorch documentation, Automatic Mixed Precision",
        change="float32",
    )


def start_scale_lower(finding: Finding) -> Remedy:
    """A loss scale that need not be halved a dozen times before the first step counts."""
    return Remedy(
        "If only the first steps overflow, start the loss scale at 4096; never raise its floor, "
        "which only hides the overflow",
        *snippet(finding, words_precision.LOSS_SCALE, power="12", scale="4096"),
        "PyTorch documentation, torch.amp.GradScaler",
    )
