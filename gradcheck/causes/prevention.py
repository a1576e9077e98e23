"""What keeps a failure from coming back, a line each: yielded after the remedies that cure it."""

from __future__ import annotations

from gradcheck.causes import words_loop, words_optimizer
from gradcheck.causes.base import Finding
from gradcheck.causes.words import snippet
from gradcheck.model import Remedy


def check_first_loss() -> Remedy:
    """An initial loss beyond what a guess costs is an initialisation that is too large."""
    return Remedy(
        "To prevent it, check the first loss before training: about ln C for C classes, about the "
        "variance of the target for a squared error",
        "expected = math.log(num_classes)\nassert loss.item() < 2 * expected, (loss, expected)",
        None,
        "Karpathy, A recipe for training neural networks",
    )


def normalise() -> Remedy:
    """Normalised inputs keep the gain of each block near 1, whatever its weights."""
    return Remedy(
        "To prevent it, normalise the input of each residual block, not its sum (pre-norm)",
        "x = x + block(norm(x))",
        None,
        "Xiong et al. 2020, On layer normalization in the Transformer architecture",
    )


def scale_residuals() -> Remedy:
    """Branches that start small keep the sum over the depth from growing."""
    return Remedy(
        "To prevent it, divide the initial output weights of residual branches by √(2L) for L "
        "layers, or start them at zero",
        "torch.nn.init.normal_(block.proj.weight, std=0.02 / (2 * layers) ** 0.5)",
        None,
        "Radford et al. 2019, GPT-2; Zhang et al. 2019, Fixup initialization",
    )


def spare_from_decay(finding: Finding) -> Remedy:
    """Scale-invariant weights that shrink have gradients that grow."""
    return Remedy(
        "To prevent it, keep weight decay off biases, normalisation layers and embeddings: the "
        "smaller these weights, the larger their gradients",
        *snippet(finding, words_optimizer.NO_DECAY),
        "OLMo 2 technical report",
    )


def clip_by_norm() -> Remedy:
    """Why the norm is what to clip."""
    return Remedy(
        "To prevent it, clip by norm rather than by value: scaling keeps the direction of the "
        "step, cutting single values turns it",
        "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # not clip_grad_value_",
        None,
        "Pascanu et al. 2013, On the difficulty of training recurrent neural networks",
    )


def unscale_before_clipping() -> Remedy:
    """Scaled gradients are thousands of times too large for any threshold."""
    return Remedy(
        "To prevent it, unscale before clipping, so that the clip sees true gradients",
        "scaler.unscale_(optimizer)\n"
        "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n"
        "scaler.step(optimizer)\nscaler.update()",
        None,
        "PyTorch documentation, Automatic Mixed Precision examples",
    )


def guard_operations() -> Remedy:
    """An ε inside the operation, large enough for the precision at hand."""
    return Remedy(
        "To prevent it, keep the arguments of log, √ and quotients off 0 with an ε inside, 1e-7 in "
        "float32 and 1e-4 in float16, where 1e-8 is 0",
        "y = torch.log(p.clamp_min(1e-7))\n"
        "norm = torch.sqrt(x.square().sum() + 1e-12)\n"
        "ratio = a / (b + 1e-7)",
        None,
        "PyTorch documentation, torch.finfo",
    )


def assert_on_batches() -> Remedy:
    """A bad sample is cheapest to find where it is read."""
    return Remedy(
        "To prevent it, assert in the collate function that a batch is finite and in range",
        "def collate(rows):\n"
        "    x, y = torch.utils.data.default_collate(rows)\n"
        "    assert torch.isfinite(x).all() and torch.isfinite(y).all(), rows\n"
        "    assert x.abs().max() < 1e3, rows\n"
        "    return x, y",
        None,
        "PyTorch documentation, torch.utils.data (collate_fn)",
    )


def keep_checkpoints(finding: Finding) -> Remedy:
    """The last checkpoint alone may be the damaged one."""
    return Remedy(
        "To prevent a loss of more work, keep several checkpoints and write none whose loss or "
        "gradient is not finite: the last one alone may be damaged",
        *snippet(finding, words_loop.KEEP),
        "Chowdhery et al. 2022, PaLM §5.1 (restarts from 100 steps before a spike)",
    )
