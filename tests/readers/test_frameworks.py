"""Frameworks: recognised by what only they leave behind, and by nothing less."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradcheck.model import Run, Series
from gradcheck.readers.frameworks import recognise


def run(names: str, path: str = "/logs/run") -> Run:
    steps = np.arange(2, dtype=np.int64)
    series = tuple(Series(name, steps, steps, np.ones(2)) for name in names.split("|"))
    return Run(Path(path), "csv", series)


@pytest.mark.parametrize(
    ("framework", "names", "path"),
    [
        ("lightning", "train_loss", "/x/lightning_logs/version_3/metrics.csv"),
        ("lightning", "hp_metric|train_loss|epoch", "/x/tb"),
        ("lightning", "epoch|train_loss_step|train_loss_epoch", "/x/metrics.csv"),
        ("lightning", "epoch|train_loss", "/x/my_model/version_0/metrics.csv"),
        ("lightning", "train_loss|grad_2.0_norm_total", "/x"),
        ("lightning", "train/loss|lr-AdamW/pg1", "/x"),
        ("keras", "train/epoch_loss|validation/epoch_loss", "/x"),
        ("keras", "loss|accuracy|val_loss|val_accuracy", "/x/training.log"),
        ("huggingface", "train/loss|train/grad_norm|train/learning_rate|train/epoch", "/x/runs/a"),
        ("huggingface", "train/loss|train/global_step", "/x"),
        ("ultralytics", "train/box_loss|val/box_loss|lr/pg0", "/x/results.csv"),
        ("yolov5", "train/box_loss|train/obj_loss|x/lr0", "/x/results.csv"),
        ("stable_baselines3", "rollout/ep_rew_mean|time/fps|train/loss", "/x/PPO_1"),
        ("megatron", "lm loss|grad-norm|loss-scale", "/x"),
        ("megatron", "lm-loss-training/lm loss|grad-norm/grad-norm", "/x"),
        ("deepspeed", "Train/Samples/train_loss|Train/Samples/lr", "/x"),
        ("detectron2", "total_loss|loss_cls|loss_box_reg|lr", "/x"),
        ("algoperf", "loss|grad_norm|accumulated_submission_time", "/x"),
        ("fastai", "train_loss|valid_loss|accuracy", "/x/history.csv"),
        ("timm", "train_loss|eval_loss|eval_top1|lr", "/x/summary.csv"),
        ("composer", "loss/train/total|metrics/train/LanguageCrossEntropy", "/x"),
        ("torchtitan", "loss_metrics/global_avg_loss|grad_norm", "/x"),
        ("fairseq", "train_inner/loss|train_inner/gnorm|train_inner/wps", "/x"),
        ("mmengine", "loss|lr|data_time|memory", "/x"),
        ("mmengine", "loss|lr", "/x/20240101/vis_data"),
        ("allennlp", "loss/loss_train|gradient_norm/lstm.weight", "/x"),
        ("wandb", "loss|_runtime|_timestamp", "/x/export.csv"),
        ("wandb", "loss", "/x/wandb/run-2024-abc/files"),
    ],
)
def test_recognised(framework: str, names: str, path: str) -> None:
    assert recognise(run(names, path)) == framework


@pytest.mark.parametrize(
    ("names", "path"),
    [
        ("train/loss", "/x"),
        ("train/loss|val/loss|train/grad_norm", "/x/runs/a"),
        ("loss|grad_norm|lr", "/x/log.csv"),
        ("train_loss|val_loss|epoch", "/x/metrics.csv"),
        ("train_loss|valid_loss", "/x/log.csv"),
        ("Loss/G/loss|Loss/D/loss", "/x"),
    ],
)
def test_nobodys(names: str, path: str) -> None:
    assert recognise(run(names, path)) is None
