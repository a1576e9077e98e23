"""Says a change in the words of the framework that wrote the log, or in plain PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from string import Template

from gradcheck.causes import settings as configured
from gradcheck.causes.base import Finding
from gradcheck.causes.settings import Settings
from gradcheck.wording import number

PLAIN = "pytorch"
"""The words that are left where a framework has no setting for the change."""
USUAL_RATE = 3e-4

Words = Mapping[str, str]
"""A snippet for each framework that has a setting for one change, with `$name` for its values."""


def settings_of(finding: Finding) -> Settings:
    """What the run was configured with, as far as its log tells."""
    return configured.read(finding.case.run.hparams)


def rate_of(finding: Finding) -> float | None:
    """The learning rate at the onset, or the configured one where the log lacks the series."""
    logged = finding.case.onset_rate
    if logged is None:
        return settings_of(finding).learning_rate
    return logged if logged > 0 else None


def has(finding: Finding, words: Words) -> bool:
    """Whether the run's framework has words of its own for the change."""
    return finding.case.run.framework in words and finding.case.run.framework != PLAIN


def snippet(finding: Finding, words: Words, **values: str) -> tuple[str, str | None]:
    """The snippet, and the framework whose words these are: None for plain PyTorch.

    Optimizer and learning rate are the run's own where the values do not give them.
    """
    own = {
        "optimizer": settings_of(finding).optimizer or "AdamW",
        "rate": number(rate_of(finding) or USUAL_RATE),
    }
    known = finding.case.run.framework if has(finding, words) else None
    return Template(words[known or PLAIN]).substitute({**own, **values}), known
