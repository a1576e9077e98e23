"""Roles: every alias and trap of the formats page, and which series stands for its role."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradcheck.errors import UsageError
from gradcheck.model import Objective, Role, Run, Series
from gradcheck.readers import role_names, roles

MINIMISED, COMPONENT = Objective.MINIMISED, Objective.COMPONENT
ADVERSARIAL, REINFORCEMENT = Objective.ADVERSARIAL, Objective.REINFORCEMENT

NAMES = {
    Role.LOSS: """loss|train/loss|train_loss|train_loss_step|train_loss_epoch|training_loss|Loss
        loss/train|loss/train/total|total_loss|Loss/total_loss|Train/Samples/train_loss|lm loss
        lm-loss-training/lm loss|train/lm_loss|loss_metrics/global_avg_loss|train/CE loss
        train/CrossEntropyLoss|metrics/train/LanguageCrossEntropy|reduced_train_loss|train loss
        train/epoch_loss|batch_loss|nll_loss|train_nll|t_loss|running_loss|loss/loss_train|cost
        cost/cross_entropy|train/box_loss|train/cls_loss|train/dfl_loss|Loss/G/loss|Loss/D/loss
        Generator loss|Discriminator loss|Loss / Policy loss|train/policy_gradient_loss
        train/critic_loss|physics_loss|data_loss|train_perplexity|ppl|G_loss|loss_D|lossG|GLoss
        generator_loss|errD|d_loss_real|value_loss|train/value_loss|vf_loss|Loss/loss|trainLoss
        loss1|loss_rpn_cls|ctcLoss|adv_loss|train/ent_coef_loss|losses/td_loss|loss_3D|z_loss
        train/entropy_loss|Loss/D/reg|train/load balancing loss|train_inner/loss|Train BPB""",
    Role.VALIDATION_LOSS: """val_loss|val/loss|valid_loss|validation_loss|eval/loss|eval_loss
        test_loss|validation/loss|test/loss|validation_metrics/loss|lm loss validation
        val/box_loss|validation/epoch_loss|evaluation_loss_vs_iterations|dev_loss|avg_val_loss
        val_bpb|eval_g0_loss|validation loss|metrics/eval/LanguageCrossEntropy|valLoss
        val_perplexity|lm loss validation ppl|val_loss/dataloader_idx_0|validation/ctc_loss""",
    Role.GRAD_NORM: """grad_norm|train/grad_norm|grad-norm|grad-norm/grad-norm|grad norm|gnorm
        grad_2.0_norm_total|grad_inf_norm_total|gradient_norm|global_norm/gradient_norm
        global_gradient_norm|l2_norm/grad/global|l2_grads|optim/total_grad_norm
        optim/total grad norm|total_grad_norm|optim/grad_norm|grad/norm/total|train_grad_norm
        info/learner/default_policy/learner_stats/grad_gnorm|gradients/norm|GradNorm|grad
        train_inner/gnorm|actor_grad_norm|grad_norm_max|seats/0/grad_norm|agents/12/gnorm""",
    Role.CLIPPED_GRAD_NORM: "clipped_gradient_norm|clipped_grad_norm|grad_norm_clipped",
    Role.LAYER_GRAD_NORM: """grad_2.0_norm/fc.weight|l2_norm/grad/blocks.0|optim/grad/w.0.norm
        gradient_norm/lstm.bias|gradients/fc1.weight|layer/kernel_0/gradient
        grad_norm/layers.0.weight|grad_norm/encoder.norm.weight|fc1.grad_norm|layers/0/grad_norm
        net/blocks/2/grad_norm|grad_norm/0/weight|params/3/grad_norm""",
    Role.LEARNING_RATE: """learning_rate|lr|train/learning_rate|learning-rate|learning rate
        lr-Adam|lr-AdamW/pg1|lr-Adam/group0|lr/pg0|x/lr0|optim/learning_rate_group0|train_lr
        optim/LR (group 0)|Train/Samples/lr|epoch_learning_rate|base_lr|lrm|train_min_lr
        Learning / Learning rate|learning-rate/learning-rate|learningRate|cur_lr
        learning_rate/lstm.bias""",
    Role.LOSS_SCALE: """loss_scale|loss-scale|loss scale|loss-scale/loss-scale|train_loss_scale
        Train/Samples/loss_scale|scale|amp/scale|grad_scale|grad_scaler/scale""",
    Role.WEIGHT_NORM: """params-norm|params norm|params-norm/params-norm|l2_norm/param/blocks.0
        optim/param/w.norm|l2_params|param_norm|weight_norm|parameter_std/w|params/norm/total""",
    Role.SKIPPED_STEPS: """number of skipped iterations|skipped-train-samples|skipped samples
        optim/step skipped|skipped|skipped_steps|gradient overflow""",
    Role.NAN_STEPS: "number of nan iterations|nan_steps",
    Role.CLIP_FRACTION: "clip|train/clip|train_inner/clip|optim/clipping_rate",
    Role.ACCURACY: """accuracy|acc|val_acc|train/accuracy|eval_top1|test_acc1|binary_accuracy
        mean_token_accuracy|val/Acc.error""",
    Role.EPOCH: "epoch|Epoch|E|EPOCH|trainer/epoch|train/epoch",
    Role.OTHER: """train/clip_fraction|clipfrac|clip_ratio/low_mean|completions/clipped_ratio
        clip_range|spike/SpikeScore|max_grad_norm|best_val_loss|loss_weight|lr-SGD-momentum
        lr-SGD-weight_decay|optim/grad/w.max|gradient_mean/w|gradient_std/w|optim/param/w.max
        num-zeros|gradient_accumulation_steps|steps_per_second|ent_coef|reward|rewards/margins
        epoch_time|hp_metric|hparam/loss|Loss/scores/fake|Loss/signs/real|metrics/mAP50(B)
        rollout/ep_rew_mean|approx_kl|total_flos|throughput(tps)|grad_norm_std
        optim/exp_avg/w.norm|learning/wait|_runtime|valuation|gradient_penalty
        IoU.error|val/mIoU.error|Dice error""",
}
TABLE = [
    (name.strip(), role)
    for role, names in NAMES.items()
    for line in names.splitlines()
    for name in line.split("|")
]


def test_the_table_is_large() -> None:
    assert len({name for name, _ in TABLE}) == len(TABLE) >= 120


@pytest.mark.parametrize(("name", "role"), TABLE)
def test_name(name: str, role: Role) -> None:
    assert role_names.meaning(name).role is role


@pytest.mark.parametrize(
    ("names", "objective"),
    [
        ("Loss/G/loss|Loss/D/loss|G_loss|loss_D|lossG|GLoss|errD|d_loss_real|netG_loss|"
         "Generator loss|discriminator_loss|adv_loss|D_real|Loss/D/reg", ADVERSARIAL),
        ("value_loss|train/value_loss|vf_loss|Loss / Policy loss|train/policy_gradient_loss|"
         "train/critic_loss|train/entropy_loss|ent_coef_loss|td_loss|actor_loss|qf1_loss",
         REINFORCEMENT),
        ("loss|cross_entropy_loss|train/CrossEntropyLoss|kl_loss|loss_3D|box_loss|lm loss|"
         "loss_value",
         MINIMISED),
    ],
)  # fmt: skip
def test_objective_of_a_name(names: str, objective: Objective) -> None:
    for name in names.split("|"):
        assert role_names.meaning(name).objective is objective, name


def series(name: str, points: int = 10, level: float = 1.0) -> Series:
    steps = np.arange(points, dtype=np.int64)
    return Series(name, steps, steps, np.full(points, level))


def named(*names: str | Series, overrides: dict[Role, str] | None = None) -> Run:
    found = tuple(series(name) if isinstance(name, str) else name for name in names)
    return roles.assign(Run(Path("run"), "csv", found), overrides or {})


def objectives(run: Run) -> dict[str, Objective]:
    return {s.name: s.objective for s in run.series if s.role in (Role.LOSS, Role.VALIDATION_LOSS)}


@pytest.mark.parametrize(
    ("names", "primary"),
    [
        (["val_loss", "loss"], "loss"),
        (["loss_cls", "loss_box_reg", "total_loss"], "total_loss"),
        ([series("train_loss_epoch", 3), series("train_loss_step", 90)], "train_loss_step"),
        ([series("train_loss_epoch", 3), series("train_loss_step", 1)], "train_loss_epoch"),
        ([series("smoothed_loss", 50), series("loss", 9)], "loss"),
        (["loss_avg", "train_loss"], "train_loss"),
        ([series("train/loss", 9), series("train/train_loss", 1)], "train/loss"),
        ([series("train/loss", 12), series("loss", 500)], "loss"),
        ([series("loss", 100), series("train/ctc_loss", 5000)], "train/ctc_loss"),
        (["loss", "total_loss"], "total_loss"),
        (["crossentropy", "loss"], "loss"),
        (["main/loss_ctc", "main/loss"], "main/loss"),
        (["losses/policy_loss", "losses/q1_loss", "losses/alpha_loss"], "losses/q1_loss"),
        (["loss", "nll_loss", "ppl"], "loss"),
        (["loss_metrics/global_max_loss", "loss_metrics/global_avg_loss"],
         "loss_metrics/global_avg_loss"),
        (["train_perplexity"], "train_perplexity"),
        ([series("data_loss", level=0.1), series("physics_loss", level=9.0)], "physics_loss"),
        ([series("train/cls_loss", level=9.0), series("train/box_loss")], "train/box_loss"),
        (["d_loss", "g_loss"], "g_loss"),
        (["Loss/D/loss", "Loss/G/reg", "Loss/G/loss"], "Loss/G/loss"),
        (["policy_loss", "value_loss", "entropy_loss"], "value_loss"),
        (["train/value_loss", "train/entropy_loss", "train/loss"], "train/loss"),
        (["mystery_loss"], "mystery_loss"),
    ],
)  # fmt: skip
def test_primary_loss(names: list[str | Series], primary: str) -> None:
    assert named(*names).primary[Role.LOSS] == primary


@pytest.mark.parametrize(
    ("names", "role", "primary"),
    [
        (["test/loss", "validation/loss"], Role.VALIDATION_LOSS, "validation/loss"),
        (
            ["evaluation_loss_vs_iterations", "validation/epoch_loss"],
            Role.VALIDATION_LOSS,
            "validation/epoch_loss",
        ),
        (["val_ppl", "val_loss"], Role.VALIDATION_LOSS, "val_loss"),
        (["grad_inf_norm_total", "grad_2.0_norm_total"], Role.GRAD_NORM, "grad_2.0_norm_total"),
        (["actor_grad_norm", "grad_norm"], Role.GRAD_NORM, "grad_norm"),
        (["lrm", "lr-AdamW/pg1", "lr-AdamW/pg2"], Role.LEARNING_RATE, "lr-AdamW/pg1"),
        (["train_min_lr", "train_lr"], Role.LEARNING_RATE, "train_lr"),
        (["val_crossentropy", "val_loss"], Role.VALIDATION_LOSS, "val_loss"),
        ([series("scale", 1), series("loss scale", 9)], Role.LOSS_SCALE, "loss scale"),
    ],
)
def test_primary(names: list[str | Series], role: Role, primary: str) -> None:
    assert named(*names).primary[role] == primary


def test_parts_beside_a_total_are_components() -> None:
    assert objectives(named("train_loss", "data_loss", "physics_loss", "val_loss")) == {
        "train_loss": MINIMISED,
        "data_loss": COMPONENT,
        "physics_loss": COMPONENT,
        "val_loss": MINIMISED,
    }


def test_twins_of_the_total_are_minimised_too() -> None:
    run = named("train_loss_step", "train_loss_epoch", "smoothed_loss")
    assert set(objectives(run).values()) == {MINIMISED}


def test_the_largest_part_stands_for_the_total() -> None:
    run = named(series("data_loss", level=2.0), series("physics_loss", level=0.1))
    assert objectives(run) == {"data_loss": MINIMISED, "physics_loss": COMPONENT}


def test_a_critic_beside_a_generator_is_adversarial() -> None:
    assert set(objectives(named("critic_loss", "generator_loss")).values()) == {ADVERSARIAL}


@pytest.mark.parametrize(
    "names",
    [
        ["train/loss", "rollout/ep_rew_mean"],
        ["train/loss", "train/completions/mean_length", "train/reward"],
        ["total_loss", "value_loss"],
    ],
)
def test_no_loss_of_reinforcement_learning_need_fall(names: list[str]) -> None:
    assert set(objectives(named(*names)).values()) == {REINFORCEMENT}


def test_dpo_still_minimises_its_loss() -> None:
    run = named("train/loss", "train/rewards/chosen", "train/rewards/margins")
    assert objectives(run) == {"train/loss": MINIMISED}


def test_perplexity_counts_only_where_no_loss_is_logged() -> None:
    run = named("train_perplexity", "val_loss", "val_ppl")
    assert [s.role for s in run.series] == [Role.LOSS, Role.VALIDATION_LOSS, Role.OTHER]


def test_override() -> None:
    run = named("loss", "val_loss", "mse", overrides={Role.LOSS: "mse", Role.GRAD_NORM: "val_loss"})
    assert run.primary == {Role.LOSS: "mse", Role.GRAD_NORM: "val_loss"}
    loss = run.get(Role.LOSS)
    assert loss is not None
    assert loss.objective is MINIMISED
    assert [s.name for s in run.every(Role.LOSS)] == ["loss", "mse"]


@pytest.mark.parametrize(
    "name", ["mse", "ce", "train_bce", "objective", "neg_log_likelihood", "elbo", "total"]
)
def test_an_objective_counts_only_where_no_loss_is_logged(name: str) -> None:
    assert named(name, "lr").primary[Role.LOSS] == name
    assert named(name, "loss").primary[Role.LOSS] == "loss"
    assert [s.name for s in named(name, "loss").every(Role.LOSS)] == ["loss"]


def test_a_total_of_nothing_that_is_named() -> None:
    parts = ["recon", "kl", "beta"]
    for name in ("total", "train/total", "total_train"):
        assert role_names.meaning(name).role is Role.LOSS
    assert role_names.meaning("val_total").role is Role.VALIDATION_LOSS
    for name in ("total_steps", "total_tokens", "total_time", "memory/total", *parts):
        assert role_names.meaning(name).role is Role.OTHER


def test_a_single_gradient_norm_is_the_global_one() -> None:
    assert named("metric/loss", "metric/grad_norm").primary[Role.GRAD_NORM] == "metric/grad_norm"
    layers = named("loss", "grad_norm/fc1", "grad_norm/fc2")
    assert Role.GRAD_NORM not in layers.primary


def test_override_that_names_no_series() -> None:
    with pytest.raises(UsageError, match=r"--grad-norm: no series 'grad_nrm'; it has: grad_norm"):
        named("loss", "grad_norm", overrides={Role.GRAD_NORM: "grad_nrm"})


def test_primaries_come_in_the_order_of_the_roles() -> None:
    assert list(named("lr", "val_loss", "grad_norm", "loss").primary) == [
        Role.LOSS, Role.VALIDATION_LOSS, Role.GRAD_NORM, Role.LEARNING_RATE,
    ]  # fmt: skip
