"""The gradient of a recurrent weight grew through the steps of the sequence.

## What happens
Backpropagation through time multiplies by the recurrent matrix once per step of the sequence. With
a largest singular value above 1 the product grows geometrically: a factor of 1.1 is 3 after 10
steps, 170 after 54 and ten million after 170. Training moves along the edge, until one batch, often
a long one, gives a gradient thousands of times as large as the last.

## How it looks in a log
The gradient norm leaps by one to four orders of magnitude from one row to the next; the loss
follows in the next row. Longer sequences fail earlier.

## How it looks from inside
The gradient of the recurrent weights (`weight_hh`) grows first and fastest, that of the weights
behind the recurrence stays ordinary.

## What it is confused with
A learning rate that is too high: the gradients of all layers grow together. An outlier batch: its
numbers are far from the others', not its length.

## Sources
Pascanu et al. 2013, On the difficulty of training recurrent neural networks; Le et al. 2015 (a
recurrence that starts at the identity); Saxe et al. 2014 (orthogonal initialisation).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    yield advice.clip_gradients(finding)
    yield Remedy(
        "Cut the history: detach the state every few dozen steps (truncated backpropagation "
        "through time)",
        "for chunk in sequence.split(35, dim=1):\n"
        "    output, state = rnn(chunk, state)\n"
        "    loss(output).backward()\n"
        "    state = state.detach()",
        None,
        "Pascanu et al. 2013, On the difficulty of training recurrent neural networks",
    )
    yield Remedy(
        "Start the recurrence at an orthogonal matrix, and use an LSTM or a GRU with an open "
        "forget gate",
        "for name, p in rnn.named_parameters():\n"
        "    if 'weight_hh' in name:\n"
        "        for gate in p.chunk(p.shape[0] // p.shape[1]):\n"
        "            torch.nn.init.orthogonal_(gate)",
        None,
        "Saxe et al. 2014, Exact solutions to the nonlinear dynamics of learning",
    )
    yield advice.lower_learning_rate(finding)
    if finding.case.failed:
        yield advice.resume_before(finding)


CAUSE = Cause(
    family=Family.EXPLODING_GRADIENTS,
    summary="the gradient of a recurrent weight grew with each step of the sequence",
    prior=-7.0,
    weights={
        "recurrence_grows": 9.0,
        "gradient_ramp": 1.5,
        "loss_ramp": 1.5,
        "loss_climbed": 1.5,
        "slow_gradient_growth": 1.5,
        "huge_gradient_before_nan": 1.5,
        "gradient_led_loss": 1.5,
        "gradient_rose_before": 1.5,
        "task_changed_at_onset": 1.0,
        "gradient_only_spike": 1.0,
        "scattered_gradient_spikes": 1.0,
        "slow_recovery": 1.0,
        "float_overflowed": 1.5,
        "half_overflowed": 0.0,
        "half_gradient_overflowed": 0.0,
        "exponential_overflowed": -8.0,
        "update_made_nonfinite": 0.0,
        "batch_stands_out": -4.0,
        "target_stands_out": -4.0,
        "gradient_failed_first": -2.0,
        "nonfinite_at_first_row": -2.0,
        "nan_left_no_trace": -4.0,
        "flat_from_start": -5.0,
        "rate_collapsed": -4.0,
        "only_validation_failed": -4.0,
        "batch_alone_spikes": -2.0,
        "batches_spike_anyway": -0.5,
        "earlier_weights_calm": 0.5,
        "calm_at_lower_rate": 1.0,
    },
    remedies=_remedies,
    trials=("clip_gradients",),
    instead_of=("gradient_growth", "unclipped_gradient_spikes"),
)
