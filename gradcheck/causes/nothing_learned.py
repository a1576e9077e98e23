"""Nothing is learned, for a reason that this log does not separate.

## What happens
Labels that do not belong to their inputs or are all masked, parameters that the optimizer does not
hold, a detached graph, a learning rate far too low: gradients arrive and the loss does not move.

## How it looks in a log
The loss is flat from the first row to the last.

## How it looks from inside
Gradients arrive, yet no weight changes (a wrong or empty parameter list, a rate far too low,
updates that bfloat16 rounds away), or the weights change and labels have nothing to do with inputs.

## What it is confused with
Convergence (the loss had fallen before), vanishing gradients and a collapsed learning rate, which
per-layer norms and the logged learning rate show.

## Sources
Karpathy, A recipe for training neural networks (overfit one batch first).
"""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck.causes import advice
from gradcheck.causes.base import Cause, Finding
from gradcheck.model import Family, Remedy


def _remedies(finding: Finding) -> Iterable[Remedy]:
    if "gradients_missing" in finding.clues:
        yield Remedy(
            "Find where the graph is cut between these parameters and the loss: a detach(), an "
            ".item(), a no_grad() around the forward pass, a copy through NumPy",
            "loss.backward()\nprint([n for n, p in model.named_parameters() if p.grad is None])",
            None,
            "PyTorch documentation, Autograd mechanics",
        )
    if "loss_exactly_zero" in finding.clues:
        yield Remedy(
            "Count the targets that are not masked: where a prompt is cut off or a template does "
            "not match, none is left",
            "print((batch['labels'] != -100).sum(), batch['labels'].numel())",
            None,
            "PyTorch documentation, CrossEntropyLoss (ignore_index)",
        )
    yield Remedy(
        "Overfit a single batch first: if that fails it is the model or the "
        "optimizer, if it succeeds it is the data",
        "x, y = next(iter(loader))\nfor _ in range(200):\n    step(x, y)",
        None,
        "Karpathy, A recipe for training neural networks",
    )
    yield Remedy(
        "Check that the optimizer holds every trainable parameter",
        "held = {p for g in optimizer.param_groups for p in g['params']}\nassert "
        "all(p in held for p in model.parameters() if p.requires_grad)",
        None,
        "PyTorch documentation, torch.optim",
    )
    yield advice.raise_learning_rate(finding)


CAUSE = Cause(
    family=Family.STALLED_TRAINING,
    summary="the loss never moved; the log does not say why",
    prior=-4.5,
    weights={
        "gradients_missing": 10.0,
        "large_norm_flat_loss": -2.0,
        "gradient_zero_from_start": 3.0,
        "flat_from_start": 5.3,
        "loss_exactly_zero": 4.0,
        "accuracy_never_moves": 3.0,
        "gradient_alive": 0.3,
        "rate_collapsed": -3.0,
        "layers_starve": -3.0,
        "tiny_gradient": -2.0,
        "gradient_stops": -2.0,
        "model_left_out": 12.0,
        "parameters_left_out": 4.0,
        "units_dead_inside": -4.0,
        "gradients_fade_with_depth": -4.0,
        "clipped_while_scaled": -4.0,
    },
    remedies=_remedies,
    trials=("raise_learning_rate", "lower_learning_rate"),
)
