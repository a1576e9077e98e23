"""What the user wants of replays: whether, which changes, and by which way back."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck.errors import UsageError

METHODS = ("fork", "rollback", "rerun")
WORDS = ("auto", "all", "none", *METHODS)


@dataclass(frozen=True)
class Wanted:
    """The value of `--replay`, understood."""

    wanted: bool = True
    everything: bool = False
    """Try every change there is, not only those that the diagnosis suggests."""
    method: str | None = None
    """One of METHODS, None for the first that the run allows."""

    def goes_back_in_place(self, fork_refused: str | None) -> bool:
        """Whether steps are to be run again within the process, given why it cannot be forked."""
        if not self.wanted:
            return False
        return self.method == "rollback" or (self.method is None and fork_refused is not None)


def read(text: str) -> Wanted:
    """Words separated by commas: auto, all, none, fork, rollback, rerun.

    Raises:
        UsageError: another word, or two ways back at once.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in WORDS:
            raise UsageError(f"--replay {word}: choose among {', '.join(WORDS)}")
    methods = [word for word in words if word in METHODS]
    if len(methods) > 1:
        raise UsageError(f"--replay {text}: choose one of {', '.join(METHODS)}")
    return Wanted("none" not in words, "all" in words, methods[0] if methods else None)


def is_value(text: str) -> bool:
    """Whether an argument after a bare `--replay` belongs to it, and is no script."""
    return bool(text) and all(word.strip() in WORDS for word in text.split(","))
