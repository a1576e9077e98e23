"""A softmax had nothing to distribute over: all of a row was masked.

## What happens
Attention masks what must not be seen with -∞. Where that is a whole row (a padded query, a sequence
of length 0, a causal mask that meets a padding mask) the softmax is 0/0: NaN for that row, which
spreads through the residual stream and, in backward, to every parameter. Setting the output to 0
afterwards does not help: the gradient is NaN all the same.

## How it looks in a log
A healthy run, then NaN in one row, at the first batch with such a row; runs with longer or more
unequal sequences fail earlier.

## How it looks from inside
Batch and weights are finite; the first NaN leaves `aten::_softmax` or the attention, and its
argument is -∞ throughout some rows.

## What it is confused with
NaN in a batch: the batch is finite here. Logits that overflowed: they hold +∞.

## Sources
PyTorch issue 41508 (MultiheadAttention with a fully masked row) and 103749; PyTorch documentation,
torch.nn.functional.scaled_dot_product_attention.
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice, prevention
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield Remedy(
        "Leave each row at least one key: unmask a key in rows that have none, and leave those "
        "rows out of the loss",
        "empty = mask.all(dim=-1, keepdim=True)  # True hides a key\n"
        "scores = scores.masked_fill(mask & ~empty, float('-inf'))",
        None,
        "PyTorch issue 41508",
    )
    yield Remedy(
        "Mask with the smallest finite number, not -inf: a row of it gives equal weights, not NaN",
        "scores = scores.masked_fill(mask, torch.finfo(scores.dtype).min)",
        None,
        "PyTorch documentation, torch.finfo",
        change="guard_softmax",
    )
    yield Remedy(
        "Drop empty sequences where the batch is made, and check the mask there",
        "rows = [row for row in rows if len(row['input_ids'])]\n"
        "assert (attention_mask.sum(-1) > 0).all()",
        None,
        "PyTorch documentation, torch.utils.data (collate_fn)",
    )
    yield advice.resume_before(finding)
    yield prevention.assert_on_batches()


CAUSE = Cause(
    family=Family.UNSTABLE_LOSS,
    summary="a softmax met a row that is masked throughout",
    prior=-7.0,
    weights={"softmax_row_masked": 9.5, "undefined_operation_said": 1.0},
    remedies=_remedies,
    trials=("guard_softmax",),
    instead_of=("undefined_operation", "overflow_or_log_of_zero", "nonfinite_from_the_start"),
)
