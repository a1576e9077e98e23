"""Tells the history of a training that does not count its steps from other tables of numbers."""

from __future__ import annotations

from gradcheck.model import Role
from gradcheck.readers import role_names
from gradcheck.readers.table import Table

_GOES_WITH_LOSS = frozenset(
    {Role.GRAD_NORM, Role.LAYER_GRAD_NORM, Role.LEARNING_RATE, Role.LOSS_SCALE}
)
_OF_TRAINING = _GOES_WITH_LOSS | {
    Role.LOSS,
    Role.VALIDATION_LOSS,
    Role.CLIPPED_GRAD_NORM,
    Role.ACCURACY,
}
# A table with one of these beside the losses compares trainings, a row for each.
_SETTINGS = frozenset(
    {"trial", "fold", "seed", "optimizer", "dropout", "hidden", "units", "layers", "decay"}
    | {"momentum", "width", "depth", "params", "config", "experiment", "model"}
)
_PHRASES = ("batch size", "num layers", "n layers")
_CLOCK = frozenset(
    {"time", "timestamp", "date", "datetime", "clock", "elapsed", "eta", "duration", "runtime"}
)


def unit_of(table: Table) -> str | None:
    """What each row of a table without a counter stands for; None where it is no history.

    Losses of training and validation side by side are Keras' `History`, a row for every epoch. A
    loss beside a gradient norm or a learning rate, or nothing but losses, was logged step by step.
    """
    if table.rows < 2 or any(not _is_clock(texts.name) for texts in table.texts):
        return None
    names = [column.name for column in table.columns if not _is_clock(column.name)]
    if any(map(_is_setting, names)):
        return None
    if {Role.LOSS, Role.VALIDATION_LOSS} <= {role_names.meaning(name).role for name in names}:
        return "epoch"
    roles = {role_names.meaning(name).role for name in names if _speaks_for_itself(name)}
    if Role.LOSS in roles and (roles & _GOES_WITH_LOSS or _all_of_training(names)):
        return "step"
    return None


def _all_of_training(names: list[str]) -> bool:
    return all(
        role_names.meaning(name).role in _OF_TRAINING and _speaks_for_itself(name) for name in names
    )


def _speaks_for_itself(name: str) -> bool:
    """Whether a name means what it does without a loss beside it; a `cost` may be one of goods."""
    return not role_names.meaning(name).stand_in and "cost" not in role_names.tokens(name)


def _is_setting(name: str) -> bool:
    words = role_names.tokens(name)
    return not _SETTINGS.isdisjoint(words) or any(one in " ".join(words) for one in _PHRASES)


def _is_clock(name: str) -> bool:
    return not _CLOCK.isdisjoint(role_names.tokens(name))
