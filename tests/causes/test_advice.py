"""Remedies fit: real words of each framework, values of the run, and nothing that cannot help."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import json
import re
import shlex
from collections.abc import Mapping
from string import Template
from typing import Any

import numpy as np
import pytest

from gradcheck import weight_table
from gradcheck.case import Case
from gradcheck.causes import (
    advice,
    prevention,
    words_loop,
    words_optimizer,
    words_precision,
)
from gradcheck.causes.base import Finding
from gradcheck.causes.words import Words
from gradcheck.model import Family, Remedy
from tests.causes import test_catalogue as catalogue
from tests.synthetic import Columns, case_of, clues_of, constant, geometric, norms, run_of

TABLES: dict[str, Words] = {
    name: table
    for module in (words_loop, words_optimizer, words_precision)
    for name, table in vars(module).items()
    if name.isupper() and isinstance(table, Mapping)
}
SNIPPETS = [(name, framework) for name, table in TABLES.items() for framework in table]
FRAMEWORKS = sorted({framework for _, framework in SNIPPETS} - {"pytorch"})
VALUES = {
    "limit": "0.5",
    "rate": "3e-4",
    "in_yaml": "3.0e-04",
    "steps": "2000",
    "beta2": "0.95",
    "epsilon": "1e-6",
    "batches": "4",
    "optimizer": "AdamW",
    "step": "299",
    "padded": "0000299",
    "power": "12",
    "scale": "4096",
}
CONFIGURED: list[dict[str, object]] = [
    {},
    {"learning_rate": 0.01, "max_grad_norm": 1.0, "warmup_steps": 100, "bf16": True},
    {"lr": 1e-4, "optimizer": "sgd", "precision": "16-mixed", "batch_size": 32, "beta2": 0.9},
    {"adam_beta2": 0.95, "adam_epsilon": 1e-8, "gradient_accumulation_steps": 4, "fp16": True},
]
FINITE_OUTLIERS = {"outlier_batch", "recurring_bad_batch"}
"""Bad data whose gradient is large and finite, which a clip does bound."""
TOO_LONG_STEPS = {"loss_scale_collapse", "half_precision_optimizer"}
"""Unstable losses whose gradients or optimizer state are at fault, not an operation."""
BOOKKEEPING = (
    "Start the run over",
    "Resume from",
    "Run the evaluation once",
    "Take one step with a tenth",
    "Give the schedule a floor",
)


CAUSES = weight_table.causes()


def spoken(table: str, framework: str) -> str:
    return Template(TABLES[table][framework]).substitute(VALUES)


@functools.cache
def findings() -> tuple[Finding, ...]:
    """Every case in every framework, the settings in turn: without clues, its own and all."""
    turn = itertools.cycle(CONFIGURED)
    plain = list(catalogue.findings())
    of_case = {id(finding.case): finding.case for finding in plain}
    found = []
    for framework in [None, *FRAMEWORKS]:
        worded = {}
        for key, case in of_case.items():
            run = dataclasses.replace(case.run, framework=framework, hparams=next(turn))
            worded[key] = Case(run, case.events)
        next(turn)  # so that no case keeps its settings
        found += [Finding(worded[id(finding.case)], finding.clues) for finding in plain]
    return tuple(found)


@functools.cache
def remedies(name: str) -> tuple[Remedy, ...]:
    """All that a cause may advise, each once."""
    cause = CAUSES[name]
    return tuple(dict.fromkeys(r for finding in findings() for r in cause.remedies(finding)))


def text(remedy: Remedy) -> str:
    return f"{remedy.action}\n{remedy.snippet or ''}".lower()


def finding_of(
    columns: Columns, hparams: Mapping[str, object], framework: str | None = None
) -> Finding:
    run = dataclasses.replace(run_of(columns, framework=framework), hparams=hparams)
    return Finding(case_of(run), clues_of(run))


LOSS_ONLY: Columns = {"loss": catalogue.BROKEN["loss"]}


# --- the words ---------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_every_change_can_be_said_in_plain_pytorch(table: str) -> None:
    ast.parse(spoken(table, "pytorch"))


@pytest.mark.parametrize(("table", "framework"), SNIPPETS)
def test_a_snippet_is_valid_in_its_language(table: str, framework: str) -> None:
    snippet = spoken(table, framework)
    assert "$" not in snippet
    assert all(len(line) <= 90 for line in snippet.splitlines())
    if framework == "deepspeed" and table not in ("RESUME", "LOG_NORM"):
        assert isinstance(json.loads(snippet), dict)
    elif framework == "torchtitan":
        tomllib = pytest.importorskip("tomllib")
        (section,) = tomllib.loads(snippet).values()
        assert section
    elif framework in ("megatron", "fairseq"):
        words = shlex.split(snippet)
        assert words[0].startswith("--")
        assert all(re.fullmatch(r"--[a-z][a-z0-9-]+", w) for w in words if w.startswith("-"))
    elif framework == "yolov5":
        setting = re.fullmatch(r"(\w+): (\d+\.\d+(e[-+]\d+)?)  # in the hyp.yaml", snippet)
        assert setting or snippet.startswith("python train.py --")
    else:
        ast.parse(snippet)


def _signatures() -> dict[str, Any]:
    """What the snippets call of the packages that are installed here, by the last name."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    lightning = pytest.importorskip("lightning.pytorch")
    accelerate = pytest.importorskip("accelerate")
    sb3 = pytest.importorskip("stable_baselines3")
    from accelerate.utils import AutocastKwargs, GradScalerKwargs, ProjectConfiguration
    from lightning.pytorch.plugins import MixedPrecision
    from lightning.pytorch.utilities import grad_norm
    from stable_baselines3.common.callbacks import CheckpointCallback
    from stable_baselines3.common.vec_env import VecCheckNan

    return {
        "huggingface": {
            "TrainingArguments": transformers.TrainingArguments,
            "Trainer": transformers.Trainer,
            "train": transformers.Trainer.train,
        },
        "lightning": {
            "Trainer": lightning.Trainer,
            "fit": lightning.Trainer.fit,
            "ModelCheckpoint": lightning.callbacks.ModelCheckpoint,
            "MixedPrecision": MixedPrecision,
            "grad_norm": grad_norm,
        },
        "accelerate": {
            "Accelerator": accelerate.Accelerator,
            "autocast": accelerate.Accelerator.autocast,
            "clip_grad_norm_": accelerate.Accelerator.clip_grad_norm_,
            "load_state": accelerate.Accelerator.load_state,
            "save_state": accelerate.Accelerator.save_state,
            "accumulate": accelerate.Accelerator.accumulate,
            "AutocastKwargs": AutocastKwargs,
            "GradScalerKwargs": GradScalerKwargs,
            "ProjectConfiguration": ProjectConfiguration,
        },
        "stable_baselines3": {
            "PPO": sb3.PPO,
            "load": sb3.PPO.load,
            "learn": sb3.PPO.learn,
            "CheckpointCallback": CheckpointCallback,
            "VecCheckNan": VecCheckNan,
        },
        "pytorch": {
            "AdamW": torch.optim.AdamW,
            "LinearLR": torch.optim.lr_scheduler.LinearLR,
            "GradScaler": torch.amp.GradScaler,
            "autocast": torch.autocast,
            "zero_grad": torch.optim.Optimizer.zero_grad,
            "set_detect_anomaly": torch.autograd.set_detect_anomaly,
        },
    }


def test_parameters_exist_in_the_installed_packages() -> None:
    known = _signatures()
    checked = 0
    for table, framework in SNIPPETS:
        if framework not in known:
            continue
        callables = known["pytorch"] | known[framework]
        for node in ast.walk(ast.parse(spoken(table, framework))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name in callables:
                parameters = inspect.signature(callables[name]).parameters
                given = {keyword.arg for keyword in node.keywords}
                assert given <= set(parameters), f"{table} of {framework}: {name}{given}"
                checked += len(given)
    assert checked > 40


def test_lightning_hooks_have_the_names_that_lightning_calls() -> None:
    lightning = pytest.importorskip("lightning.pytorch")
    named = [
        (node.name, [argument.arg for argument in node.args.args])
        for table, framework in SNIPPETS
        if framework == "lightning"
        for node in ast.parse(spoken(table, framework)).body
        if isinstance(node, ast.FunctionDef) and node.args.args[0].arg == "self"
    ]
    assert named
    for name, arguments in named:
        hook = getattr(lightning.LightningModule, name)
        if name != "training_step":  # any signature goes
            assert list(inspect.signature(hook).parameters) == arguments


# --- what cannot help is not advised -----------------------------------------------------------


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_no_clip_and_no_smaller_step_against_what_they_cannot_cure(name: str) -> None:
    """A clip turns one NaN into all NaN, and log(0) is as undefined after a shorter step."""
    family = CAUSES[name].family
    innocent = {Family.BAD_DATA, Family.CORRUPTED_STATE, Family.UNSTABLE_LOSS}
    if family not in innocent or name in TOO_LONG_STEPS:
        pytest.skip("its steps are too long")
    for remedy in remedies(name):
        if name not in FINITE_OUTLIERS:
            assert not re.search(r"\bclip|clip_grad|max_grad_norm|clipnorm", text(remedy))
        assert not re.search(
            r"(lower|smaller|divide|halve|reduce).{0,20}learning rate", text(remedy)
        )
        assert "['lr']" not in text(remedy)
        assert not re.search(r"\b(lr0|base_lr|learning_rate) ?[=:] ?[\d.]", text(remedy))


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_every_remedy_has_a_source_or_is_bookkeeping(name: str) -> None:
    for remedy in remedies(name):
        assert remedy.source or remedy.action.startswith(BOOKKEEPING), remedy.action


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_prevention_comes_after_the_cures_and_no_remedy_twice(name: str) -> None:
    for finding in findings():
        found = list(CAUSES[name].remedies(finding))
        later = [remedy.action.startswith("To prevent") for remedy in found]
        assert later == sorted(later)
        assert not later[0]
        assert len({remedy.action for remedy in found}) == len(found)


@pytest.mark.parametrize("name", catalogue.NAMES)
def test_remedies_say_what_to_do_whatever_is_configured(name: str) -> None:
    for remedy in remedies(name):
        assert not remedy.action.endswith(".")
        assert "None" not in remedy.action
        assert "inf" not in remedy.action.split()
        assert remedy.snippet is None or "$" not in remedy.snippet
        if remedy.framework is None and remedy.snippet is not None:
            ast.parse(remedy.snippet)
        if remedy.framework == "deepspeed" and (remedy.snippet or "").startswith("{"):
            json.loads(remedy.snippet or "")


def test_preventions_are_one_line_with_a_source() -> None:
    finding = finding_of(LOSS_ONLY, {})
    makers = [
        maker
        for maker in vars(prevention).values()
        if inspect.isfunction(maker) and maker.__module__ == prevention.__name__
    ]
    assert len(makers) >= 9
    for maker in makers:
        remedy = maker(*[finding] * len(inspect.signature(maker).parameters))
        assert remedy.action.startswith("To prevent ")
        assert "\n" not in remedy.action
        assert len(remedy.action) < 180
        assert remedy.source
        assert remedy.snippet


# --- values of the run -------------------------------------------------------------------------


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_lower_rate_is_said_as_the_framework_sets_it(framework: str) -> None:
    finding = finding_of(LOSS_ONLY, {"learning_rate": "0.02"}, framework)
    remedy = advice.lower_learning_rate(finding)
    assert "from the configured 0.02 to 0.002" in remedy.action
    assert remedy.snippet is not None
    assert re.search(r"0\.002|2\.0e-03", remedy.snippet)


def test_the_logged_rate_goes_before_the_configured_one() -> None:
    finding = finding_of({**catalogue.BROKEN, "lr": constant(catalogue.ROWS, 5e-3)}, {"lr": 0.1})
    assert "from 0.005 to 5e-4" in advice.lower_learning_rate(finding).action


@pytest.mark.parametrize(("hparams", "bound"), [({}, True), ({"warmup_steps": 100}, False)])
def test_a_configured_rate_bounds_only_where_it_was_in_force(
    hparams: Mapping[str, object], bound: bool
) -> None:
    columns: Columns = {"loss": 0.7 * geometric(2.25, 40), "grad_norm": geometric(1.5, 40)}
    finding = finding_of(columns, {"lr": 0.4, **hparams})
    assert ("below 0.32:" in advice.lower_learning_rate(finding).action) is bound


def test_clipping_that_is_on_is_lowered_to_the_healthy_norms() -> None:
    action = advice.clip_gradients(finding_of(catalogue.BROKEN, {"max_grad_norm": 5.0})).action
    assert action.startswith("Lower the clipping threshold from 5 to 0.96:")


def test_clipping_that_is_on_without_a_logged_norm_is_halved() -> None:
    action = advice.clip_gradients(finding_of(LOSS_ONLY, {"clip_grad": "1.0"})).action
    assert "Clipping is configured at 1; lower it to 0.5" in action


def test_clipping_that_acts_in_most_steps_is_not_lowered() -> None:
    columns = {**catalogue.BROKEN, "grad_norm": catalogue.BROKEN["grad_norm"] * 50}
    remedy = advice.clip_gradients(finding_of(columns, {"gradient_clip_val": 1.0}))
    assert "a lower threshold helps little" in remedy.action
    assert "after backward" in remedy.action


def test_norms_after_clipping_set_no_threshold() -> None:
    columns = {"loss": catalogue.BROKEN["loss"], "clipped_grad_norm": norms(catalogue.ROWS)}
    action = advice.clip_gradients(finding_of(columns, {})).action
    assert "Clip the gradient norm at 1.0, and log it" in action


@pytest.mark.parametrize(
    ("hparams", "said"),
    [
        ({}, "2/(1-β2) steps: 2000 for Adam's β2 = 0.999, 40 for 0.95"),
        ({"adam_beta2": 0.95}, "2/(1-β2) steps: 40 for the configured β2 = 0.95"),
        ({"warmup_steps": 100}, "; 100 steps is configured"),
        ({"warmup_ratio": 0.03}, "; 3% of the run is configured"),
        ({"warmup_steps": 0}, "; none is configured"),
        ({"warmup_steps": 3000}, "Double the warm-up of the learning rate from 3000 steps to 6000"),
        ({"optimizer": "SGD"}, "the first 5 epochs"),
    ],
)
def test_the_warm_up_starts_from_the_present_one(hparams: Mapping[str, object], said: str) -> None:
    assert said in advice.warm_up(finding_of(LOSS_ONLY, hparams)).action


@pytest.mark.parametrize("hparams", [{"bf16": True}, {"precision": "bf16-mixed"}])
def test_bfloat16_is_not_advised_to_who_has_it(hparams: Mapping[str, object]) -> None:
    for framework in [None, *FRAMEWORKS]:
        remedy = advice.prefer_bfloat16(finding_of(LOSS_ONLY, hparams, framework))
        assert "Train in bfloat16" not in remedy.action
        assert "configured for bfloat16" in remedy.action


def test_without_a_switch_for_bfloat16_mixed_precision_is_switched_off() -> None:
    remedy = advice.prefer_bfloat16(finding_of(LOSS_ONLY, {}, "ultralytics"))
    assert remedy.snippet == "model.train(amp=False)"
    assert "float32" in remedy.action


def test_adam_is_not_tuned_where_there_is_none_or_nothing_to_tune() -> None:
    columns = {**catalogue.BROKEN, "grad_norm": catalogue.BROKEN["grad_norm"] * 1e-4}
    for hparams in ({"optimizer": "sgd"}, {"beta2": 0.95, "adam_epsilon": 1e-6}):
        finding = finding_of(columns, hparams)
        assert not list(advice.lower_beta2(finding))
        assert not list(advice.raise_epsilon(finding))
    (lower,) = advice.lower_beta2(finding_of(columns, {"betas": [0.9, 0.999]}))
    (larger,) = advice.raise_epsilon(finding_of(columns, {}))
    assert "from 0.999 to 0.95" in lower.action
    assert "to 1e-6" in larger.action
    assert not list(advice.raise_epsilon(finding_of(catalogue.BROKEN, {})))


def test_the_optimizer_and_the_rate_of_a_snippet_are_the_runs_own() -> None:
    finding = finding_of(LOSS_ONLY, {"optimizer": "SGD", "lr": 0.05}, "lightning")
    assert "SGD(self.parameters(), lr=0.05)" in (advice.warm_up(finding).snippet or "")


def test_the_configured_micro_batches_are_named() -> None:
    remedy = advice.accumulate(finding_of(LOSS_ONLY, {"accumulate_grad_batches": 4}))
    assert "by 4, the configured number of micro-batches" in remedy.action
    assert "loss / 4" in (remedy.snippet or "")


def test_the_recurring_batch_is_located_among_the_samples() -> None:
    cause = CAUSES["recurring_bad_batch"]
    clue = {"fixed_period": catalogue.invented("fixed_period")}
    finding = Finding(finding_of(LOSS_ONLY, {"batch_size": 32}).case, clue)
    assert "around sample 1184 on one device" in next(iter(cause.remedies(finding))).action


@pytest.mark.parametrize("framework", [None, *FRAMEWORKS])
def test_the_checkpoint_to_resume_from_is_the_last_good_one(framework: str | None) -> None:
    loss = catalogue.BROKEN["loss"].copy()
    loss[300:] = np.nan
    remedy = advice.resume_before(finding_of({"loss": loss}, {}, framework))
    assert "at or before step 299;" in remedy.action
    assert remedy.framework == framework
    assert "299" in (remedy.snippet or "")
