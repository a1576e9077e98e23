"""Tells which framework wrote a run, by the traces in its paths and the names of its series."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gradcheck.model import Run


@dataclass(frozen=True)
class _Trace:
    """What only one framework leaves behind: a path, or names that are all present."""

    framework: str
    path: re.Pattern[str] | None = None
    names: tuple[re.Pattern[str], ...] = ()

    def fits(self, path: str, names: str) -> bool:
        """Whether the path and the names, a line each, show the trace."""
        if self.path is not None and not self.path.search(path):
            return False
        return all(pattern.search(names) for pattern in self.names)


def _trace(framework: str, *names: str, path: str | None = None) -> _Trace:
    where = None if path is None else re.compile(path)
    return _Trace(framework, where, tuple(re.compile(name, re.MULTILINE) for name in names))


# From the most to the least particular; the first that fits decides.
_TRACES = (
    _trace("algoperf", r"^accumulated_submission_time$"),
    _trace("megatron", r"^lm loss", r"^(grad-norm|params-norm|learning-rate|loss-scale)$"),
    _trace("megatron", r"^lm loss$", r"^(num-zeros|mem-allocated-bytes)$"),
    _trace("megatron", r"^lm-loss-training/lm loss$"),
    _trace("deepspeed", r"^Train/Samples/(train_loss|lr|loss_scale)$"),
    _trace("torchtitan", r"^loss_metrics/global_avg_loss$"),
    _trace("composer", r"^loss/train/total$"),
    _trace("composer", r"^(l2_norm/grad/global|metrics/(train|eval)/\w+)$", r"^lr-\w+/group\d+$"),
    _trace("detectron2", r"^total_loss$", r"^(loss_rpn_cls|loss_box_reg|rank_data_time)$"),
    _trace("ultralytics", r"^train/\w+_loss$", r"^lr/pg0$"),
    _trace("yolov5", r"^train/(box|obj|cls)_loss$", r"^x/lr0$"),
    _trace("stable_baselines3", r"^rollout/ep_rew_mean$", r"^time/(fps|iterations)$"),
    _trace("stable_baselines3", r"^train/n_updates$"),
    _trace("allennlp", r"^(gradient_norm|parameter_std)/.", r"^loss/loss_(train|val)"),
    _trace("allennlp", r"^(best_)?validation_\w+$", r"^training_start_epoch$"),
    _trace("fairseq", r"(^|/|_)gnorm$", r"(^|/|_)(wps|ups|wpb|nll_loss)$"),
    _trace("keras", r"^(train|validation)/(epoch|batch)_loss$"),
    _trace("keras", r"^evaluation_\w+_vs_iterations$"),
    _trace("keras", r"^loss$", r"^val_loss$", r"^(val_)?(acc|accuracy)$"),
    _trace("lightning", path=r"(^|/)lightning_logs(/|$)"),
    _trace("lightning", r"^hp_metric$"),
    _trace("lightning", r"^epoch$", r"_step$", r"_epoch$"),
    _trace("lightning", r"^epoch$", r"loss", path=r"(^|/)version_\d+(/metrics\.csv)?$"),
    _trace("lightning", r"^grad_(\d+\.\d+|inf)_norm"),
    _trace("lightning", r"^lr-[A-Z]\w+(/pg\d+)?$"),
    _trace("huggingface", r"^train/global_step$", r"^train/(loss|grad_norm|learning_rate)$"),
    _trace("huggingface", r"^train/epoch$", r"^train/(grad_norm|learning_rate)$"),
    _trace("huggingface", r"^(train/)?total_flos$"),
    _trace("huggingface", r"^train_samples_per_second$"),
    _trace("huggingface", path=r"(^|/)(trainer_state\.json|checkpoint-\d+)$"),
    _trace("huggingface", r"^eval_samples_per_second$", r"^eval_steps_per_second$"),
    _trace("llama_factory", r"^percentage$", r"^total_steps$"),
    _trace("stylegan", r"^Progress/(kimg|tick)$"),
    _trace("stylegan", r"^Loss/(G|D)/loss$", r"^Loss/(scores|signs)/(fake|real)$"),
    _trace("spacy", r"^losses/", r"^scores/(ents|tag|dep|cats|tok2vec|token|sents|pos|lemma)_"),
    _trace("mmengine", r"^(data_time|base_lr)$", r"^(loss|decode\.loss_\w+)$", r"^(iter|memory)$"),
    _trace("mmengine", path=r"(^|/)vis_data(/|$)"),
    _trace("fastai", r"^train_loss$", r"^valid_loss$", path=r"history\.csv$"),
    _trace("timm", r"^train_loss$", r"^eval_top1$"),
    _trace("timm", r"^train_loss$", r"^eval_loss$", path=r"summary\.csv$"),
    _trace("wandb", path=r"(^|/)wandb/(offline-)?run-"),
    _trace("wandb", r"^_(runtime|timestamp)$"),
)


def recognise(run: Run) -> str | None:
    """The framework that wrote a run, or None where the traces would fit several."""
    path = run.path.absolute().as_posix()
    names = "\n".join(series.name.replace("\n", " ") for series in run.series)
    return next((trace.framework for trace in _TRACES if trace.fits(path, names)), None)
