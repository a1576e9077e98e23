"""Changes that several causes advise, in the words of the framework that wrote the log."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from gradcheck.causes.base import Finding
from gradcheck.model import Remedy
from gradcheck.wording import number

EARLY_ROWS = 10
PLAYBOOK = "Google Research, Deep Learning Tuning Playbook"
TORCH_AMP = "PyTorch documentation, Automatic Mixed Precision examples"

CLIP: Mapping[str, str] = {
    "lightning": "Trainer(gradient_clip_val={0})",
    "huggingface": "TrainingArguments(max_grad_norm={0})",
    "keras": "optimizer = keras.optimizers.Adam(learning_rate, clipnorm={0})",
    "stable_baselines3": "PPO(..., max_grad_norm={0})",
    "megatron": "--clip-grad {0}",
    "deepspeed": '{{"gradient_clipping": {0}}}',
    "pytorch": "loss.backward()\ntorch.nn.utils.clip_grad_norm_(model.parameters(), {0})\n"
    "optimizer.step()",
}
RATE: Mapping[str, str] = {
    "lightning": "def configure_optimizers(self):\n    return "
    "torch.optim.AdamW(self.parameters(), lr={0})",
    "huggingface": "TrainingArguments(learning_rate={0})",
    "keras": "model.compile(optimizer=keras.optimizers.Adam({0}), ...)",
    "ultralytics": "model.train(lr0={0}, ...)",
    "yolov5": "lr0: {0}  # in the hyp.yaml",
    "stable_baselines3": "PPO(..., learning_rate={0})",
    "megatron": "--lr {0}",
    "pytorch": "for group in optimizer.param_groups:\n    group['lr'] = {0}",
}
WARMUP: Mapping[str, str] = {
    "huggingface": "TrainingArguments(warmup_steps={0})",
    "megatron": "--lr-warmup-iters {0}",
    "ultralytics": "model.train(warmup_epochs=5, ...)",
    "pytorch": "warmup = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.01, "
    "total_iters={0})",
}
BF16: Mapping[str, str] = {
    "lightning": "Trainer(precision='bf16-mixed')",
    "huggingface": "TrainingArguments(bf16=True, fp16=False)",
    "megatron": "--bf16",
    "deepspeed": '{"bf16": {"enabled": true}, "fp16": {"enabled": false}}',
    "ultralytics": "model.train(amp=False, ...)",
    "pytorch": "with torch.autocast(device_type='cuda', dtype=torch.bfloat16):\n    loss "
    "= model(batch)",
}


def snippet(finding: Finding, words: Mapping[str, str], *values: str) -> tuple[str, str | None]:
    """The snippet in the framework's own words, and the framework; plain PyTorch otherwise."""
    framework = finding.case.run.framework
    known = framework if framework is not None and framework in words else None
    text = words[known or "pytorch"]
    return (text.format(*values) if values else text), known


def clip_gradients(finding: Finding) -> Remedy:
    """Clipping by norm, at the 90th percentile of the run's own healthy norms."""
    norms = finding.case.healthy_norms
    if len(norms) >= 8 and float(np.percentile(norms, 90)) > 0:
        limit = number(_two_digits(float(np.percentile(norms, 90))))
        action = f"Clip the gradient norm at {limit}: 90% of this run's healthy norms lie below it"
    else:
        limit, action = (
            "1.0",
            "Clip the gradient norm at 1.0, and log it to set the threshold from its "
            "90th percentile",
        )
    code, framework = snippet(finding, CLIP, limit)
    return Remedy(action, code, framework, PLAYBOOK)


def lower_learning_rate(finding: Finding) -> Remedy:
    """The bound of the square law where it was seen, else a tenth."""
    rate = finding.case.onset_rate
    ratio = finding.value("square_law", "ratio")
    if rate and ratio:
        bound = _two_digits(2 * rate / (1 + ratio))
        action = (
            f"Lower the learning rate below {number(bound)}: the growth of "
            f"{number(ratio)} per step at {number(rate)} puts the limit 2/λ there; "
            "start at a third of it"
        )
        code, framework = snippet(finding, RATE, number(_two_digits(bound / 3)))
        return Remedy(action, code, framework, "stability limit 2/λ of gradient descent")
    if rate and rate > 0:
        target = number(_two_digits(rate / 10))
        action = f"Lower the learning rate from {number(rate)} to {target}, then bisect upwards"
        code, framework = snippet(finding, RATE, target)
        return Remedy(action, code, framework, PLAYBOOK)
    return Remedy(
        "Divide the learning rate by 10, then bisect upwards", *_relative(finding), PLAYBOOK
    )


def _relative(finding: Finding) -> tuple[str | None, str | None]:
    framework = finding.case.run.framework
    if framework is not None and framework in RATE:
        return None, framework
    return "for group in optimizer.param_groups:\n    group['lr'] *= 0.1", None


def warm_up(finding: Finding) -> Remedy:
    """A linear warm-up over 2/(1-β2) steps, the time Adam's second moment needs."""
    code, framework = snippet(finding, WARMUP, "2000")
    return Remedy(
        "Warm the learning rate up linearly over 2/(1-β2) steps: 2000 for Adam's "
        "β2 = 0.999, 40 for 0.95",
        code,
        framework,
        "Ma & Yarats 2021, On the adequacy of untuned warmup for adaptive optimization",
    )


def resume_before(finding: Finding) -> Remedy:
    """Go back to a checkpoint from before the first bad row, or to the start if it was early."""
    loss = finding.case.loss
    if loss is not None and finding.case.onset_row(loss) <= EARLY_ROWS:
        return Remedy("Start the run over: its weights were damaged within the first rows")
    step = finding.case.last_good_step
    at = f"at or before step {step}" if step is not None else "from before the failure"
    return Remedy(
        f"Resume from a checkpoint written {at}; later ones hold damaged weights or optimizer state"
    )


def prefer_bfloat16(finding: Finding) -> Remedy:
    """bfloat16 has the exponent range of float32 and needs no loss scaler."""
    code, framework = snippet(finding, BF16)
    return Remedy(
        "Train in bfloat16 (range of float32, no loss scaler) where the device has it",
        code,
        framework,
        TORCH_AMP,
    )


def localise() -> Remedy:
    """Find the first module that turns finite inputs into something else."""
    return Remedy(
        "Replay from the last good checkpoint with a check after every module: the first one whose "
        "inputs are finite and whose output is not is the place",
        "def check(module, inputs, output):\n"
        "    if torch.is_tensor(output) and not torch.isfinite(output).all():\n"
        "        raise FloatingPointError(f'{module}: {output}')\n"
        "for module in model.modules():\n"
        "    module.register_forward_hook(check)\n"
        "torch.autograd.set_detect_anomaly(True)  # the same for backward, NaN only",
        None,
        "PyTorch documentation, torch.autograd.set_detect_anomaly",
    )


def check_batches(finding: Finding) -> Remedy:
    """Refuse non-finite batches where they enter the loop."""
    step = finding.case.onset_step
    where = f"The first bad batch is the one of step {step}. " if step is not None else ""
    return Remedy(
        f"{where}Check every batch where it enters the loop, and drop or impute the "
        "samples that fail at the dataset",
        "for x, y in loader:\n    if not (torch.isfinite(x).all() and "
        "torch.isfinite(y).all()):\n        raise ValueError(f'non-finite batch at "
        "step {step}')",
        None,
        "PyTorch documentation, torch.isfinite",
    )


def robust_loss() -> Remedy:
    """A loss that grows linearly in the error."""
    return Remedy(
        "Use a loss that grows linearly with the error, so that one sample cannot dominate",
        "loss = torch.nn.functional.smooth_l1_loss(prediction, target)",
        None,
        "Huber 1964, Robust estimation of a location parameter",
    )


def _two_digits(value: float) -> float:
    if value == 0 or not math.isfinite(value):
        return value
    return float(f"{value:.2g}")
