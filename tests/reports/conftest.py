"""Small reports made by hand, as every renderer may receive them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradcheck.model import (
    HEALTHY,
    INCONCLUSIVE,
    Diagnosis,
    Event,
    Evidence,
    Family,
    FloatArray,
    Kind,
    Missing,
    Rejection,
    Remedy,
    Report,
    Role,
    Run,
    RunReport,
    Series,
    Severity,
    Unread,
)

ROWS, BAD = 400, 312


def series(name: str, values: FloatArray, role: Role) -> Series:
    rows = np.arange(len(values))
    return Series(name, order=rows, step=rows, value=values, role=role)


def run(path: str, *columns: Series, framework: str | None = None) -> Run:
    primary: dict[Role, str] = {s.role: s.name for s in reversed(columns)}
    return Run(Path(path), "csv", columns, framework, primary=primary)


def loss_curve() -> FloatArray:
    noise = np.random.default_rng(0).normal(0, 0.03, ROWS)
    return 0.4 + 1.9 * np.exp(-np.arange(ROWS) / 60) + noise


def norm_curve() -> FloatArray:
    return 1.2 * np.exp(np.random.default_rng(1).normal(0, 0.2, ROWS))


def nan_input() -> RunReport:
    loss, norm = loss_curve(), norm_curve()
    loss[BAD:], norm[BAD:] = np.nan, np.nan
    nan = float("nan")
    events = (
        Event(Kind.NONFINITE_LOSS, Severity.FAILURE, "train/loss", BAD, 399, False, BAD, nan),
        Event(Kind.NONFINITE_GRADIENT, Severity.FAILURE, "grad_norm", BAD, 399, False, BAD, nan),
    )
    best = Diagnosis(
        family=Family.BAD_DATA,
        cause="nonfinite_input_or_target",
        confidence=0.93,
        step=BAD,
        summary="A batch with a NaN or an infinity reached a healthy model at step 312.",
        evidence=(
            Evidence(
                "The loss was steady at 0.41 ± 0.03, with no growth before it was lost.",
                "train/loss",
                262,
                311,
            ),
            Evidence(
                "Loss and gradient norm became NaN in the same row, step 312.",
                "train/loss",
                BAD,
                BAD,
            ),
            Evidence(
                "The gradient norm stayed within 0.79 to 1.9 (median 1.2).", "grad_norm", 262, 311
            ),
        ),
        ruled_out=(
            Rejection(
                "learning_rate_too_high",
                "the gradient norm did not grow in the 50 steps before step 312.",
            ),
            Rejection(
                "undefined_operation",
                "the loss was not near an edge of its domain (0.41) when it was lost.",
            ),
        ),
        remedies=(
            Remedy(
                "Drop or repair samples with non-finite values before they are batched.",
                "def collate(samples):\n"
                "    samples = [s for s in samples if torch.isfinite(s.x).all()]\n"
                "    return default_collate(samples)",
                source="R3",
            ),
            Remedy(
                "Resume from a checkpoint before step 312: the weights after it are NaN.",
                'model.load_state_dict(torch.load("step_300.pt"))',
            ),
        ),
    )
    rival = Diagnosis(
        family=Family.UNSTABLE_LOSS,
        cause="undefined_operation",
        confidence=0.04,
        step=BAD,
        summary="An operation left its domain.",
        evidence=(Evidence("The loss became NaN in one step.", "train/loss", BAD, BAD),),
    )
    columns = (
        series("train/loss", loss, Role.LOSS),
        series("grad_norm", norm, Role.GRAD_NORM),
    )
    return RunReport(
        run("runs/nan_input", *columns, framework="lightning"),
        "bad_data",
        0.93,
        BAD,
        events,
        (best, rival),
    )


def exploding() -> RunReport:
    steps = np.arange(ROWS)
    growth = np.exp(np.clip(steps - 120, 0, None) * 0.06)
    loss, norm = loss_curve() * growth, norm_curve() * growth**1.5
    loss[380:], norm[370:] = np.inf, np.inf
    events = (
        Event(Kind.DIVERGENCE, Severity.FAILURE, "train/loss", 165, 399, False, 165, 9.1),
        Event(Kind.NONFINITE_LOSS, Severity.FAILURE, "train/loss", 380, 399, False, 380, np.inf),
    )
    best = Diagnosis(
        Family.EXPLODING_GRADIENTS,
        "learning_rate_too_high",
        0.81,
        165,
        "The step size is beyond what the loss surface allows: each step makes the next larger.",
        (
            Evidence("The gradient norm doubled every 8 steps.", "grad_norm", 120, 369),
            Evidence("The loss grew with its square.", "train/loss", 125, 379),
        ),
        (Rejection("nonfinite_input_or_target", "the numbers grew for 250 steps."),),
        (Remedy("Lower the learning rate to 3e-4 or less.", "lr=3e-4"),),
    )
    columns = (series("train/loss", loss, Role.LOSS), series("grad_norm", norm, Role.GRAD_NORM))
    return RunReport(
        run("runs/too_fast", *columns), "exploding_gradients", 0.81, 165, events, (best,)
    )


def unclear() -> RunReport:
    loss = loss_curve()
    loss[BAD:] = np.nan
    nan = float("nan")
    events = (Event(Kind.NONFINITE_LOSS, Severity.FAILURE, "loss", BAD, 399, False, BAD, nan),)
    said = Evidence("The loss became NaN in one step, from 0.41.", "loss", 311, BAD)
    diagnoses = tuple(
        Diagnosis(
            family,
            cause,
            confidence,
            BAD,
            "It may be this.",
            (said,),
            remedies=(
                Remedy("Clamp the argument of the logarithm.", "torch.log(x.clamp_min(1e-6))"),
            ),
        )
        for family, cause, confidence in (
            (Family.UNSTABLE_LOSS, "undefined_operation", 0.42),
            (Family.BAD_DATA, "nonfinite_input_or_target", 0.36),
            (Family.EXPLODING_GRADIENTS, "learning_rate_too_high", 0.08),
        )
    )
    missing = (
        Missing(
            Role.GRAD_NORM,
            (Family.UNSTABLE_LOSS, Family.BAD_DATA),
            "Log the gradient norm: `clip_grad_norm_(model.parameters(), inf)` returns it.",
        ),
    )
    return RunReport(
        run("runs/loss_only", series("loss", loss, Role.LOSS)),
        INCONCLUSIVE,
        0.42,
        BAD,
        events,
        diagnoses,
        missing,
        ("The log holds only one series.",),
    )


def healthy(path: str = "runs/fine", *events: Event) -> RunReport:
    columns = (series("loss", loss_curve(), Role.LOSS),)
    return RunReport(run(path, *columns), HEALTHY, 0.97, None, events)


def recovered_spike() -> RunReport:
    spike = Event(Kind.GRADIENT_SPIKE, Severity.SPIKE, "grad_norm", 212, 212, True, 212, 48.0)
    return healthy("runs/one_spike", spike)


UNREAD = (
    Unread(Path("runs/params.csv"), "not a log: it has no column that counts steps"),
    Unread(Path("runs/broken.csv"), "permission denied", broken=True),
)


def many() -> Report:
    return Report(
        (nan_input(), exploding(), unclear(), recovered_spike(), healthy()), unread=UNREAD
    )


@pytest.fixture(name="reports")
def _reports() -> dict[str, Report]:
    return {
        "nan_input": Report((nan_input(),)),
        "exploding": Report((exploding(),)),
        "unclear": Report((unclear(),)),
        "healthy": Report((recovered_spike(),)),
        "many": many(),
        "nothing": Report((), UNREAD),
    }
