"""Changes around the step that several causes advise: checkpoints, batches, checks, logs."""

from __future__ import annotations

from gradcheck.causes import words_loop
from gradcheck.causes.base import Finding
from gradcheck.causes.words import snippet
from gradcheck.model import Remedy

EARLY_ROWS = 10
LEAVE_OUT = (
    "kept = [i for i in range(len(dataset)) if i not in bad]\n"
    "dataset = torch.utils.data.Subset(dataset, kept)"
)
CHECKPOINTS = "PyTorch documentation, Saving and loading a general checkpoint"


def resume_before(finding: Finding) -> Remedy:
    """Go back to a checkpoint from before the first bad row, or to the start if it was early."""
    case = finding.case
    if case.loss is not None and case.onset_row(case.loss) <= EARLY_ROWS:
        return Remedy("Start the run over: its weights were damaged within the first rows")
    step = case.last_good_step
    if step is None or step < 0:
        return Remedy(
            "Resume from a checkpoint from before the failure; later ones hold damaged weights or "
            "optimizer state",
            None,
            None,
            CHECKPOINTS,
        )
    return Remedy(
        f"Resume from a checkpoint written at or before {case.run.unit} {step}; later ones hold "
        "damaged weights or optimizer state",
        *snippet(finding, words_loop.RESUME, step=str(step), padded=f"{step:07d}"),
        CHECKPOINTS,
    )


def localise(finding: Finding | None = None) -> Remedy:
    """Find the first module that turns finite inputs into something else."""
    words = words_loop.CHECK_MODULES
    return Remedy(
        "Replay from the last good checkpoint with a check after every module: the first one whose "
        "inputs are finite and whose output is not is the place",
        *(snippet(finding, words) if finding else (words["pytorch"], None)),
        "PyTorch documentation, torch.autograd.set_detect_anomaly",
    )


def check_batches(finding: Finding) -> Remedy:
    """Refuse non-finite batches where they enter the loop."""
    step = finding.case.onset_step
    unit = finding.case.run.unit
    where = f"The first bad batch is the one of {unit} {step}. " if step is not None else ""
    return Remedy(
        f"{where}Check every batch where it enters the loop, and drop or impute the "
        "samples that fail at the dataset",
        *snippet(finding, words_loop.CHECK_BATCH),
        "PyTorch documentation, torch.isfinite",
    )


def skip_batch(finding: Finding) -> Remedy:
    """Leave out a step that cannot be finite, before it reaches the weights."""
    step = finding.case.onset_step
    return Remedy(
        "Skip a step whose loss is not finite, and count the skips, so that one "
        "bad batch cannot poison the weights",
        *snippet(finding, words_loop.SKIP_BATCH, step=str(step if step is not None else 0)),
        "PyTorch documentation, torch.isfinite",
        change="skip_nonfinite",
    )


def log_norms(finding: Finding) -> Remedy:
    """The gradient norm of every step, by layer where that can be had."""
    return Remedy(
        "Log the gradient norm at every step, and per layer: the layer that grows first names the "
        "mechanism (embedding, attention logits, recurrent weights)",
        *snippet(finding, words_loop.LOG_NORM),
        "Pascanu et al. 2013, On the difficulty of training recurrent neural networks",
    )


def look_at_samples(finding: Finding) -> Remedy | None:
    """What to do with samples that are known by their index in the data set."""
    known = finding.samples()
    if known is None:
        return None
    return Remedy(
        f"Look at {known} of the data set: correct what is out of line, or leave it out",
        LEAVE_OUT,
        None,
        "PyTorch documentation, torch.utils.data.Subset",
    )


def log_batches(finding: Finding) -> Remedy:
    """Which samples each batch holds, so that the batches of the spikes can be compared."""
    return Remedy(
        "Log the sample indices of each batch and intersect those of the spikes: the sample "
        "common to all is the bad one; drop or repair it",
        *snippet(finding, words_loop.LOG_BATCH),
        "PyTorch documentation, torch.utils.data",
    )


def robust_loss() -> Remedy:
    """A loss that grows linearly in the error."""
    return Remedy(
        "Use a loss that grows linearly with the error, so that one sample cannot dominate",
        "loss = torch.nn.functional.smooth_l1_loss(prediction, target)",
        None,
        "Huber 1964, Robust estimation of a location parameter",
    )
