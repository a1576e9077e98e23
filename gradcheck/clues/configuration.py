"""What do the run's own settings say?"""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck.case import Case, Clue, ClueKind
from gradcheck.model import Evidence

CLUES = {
    "half_precision_configured": ClueKind("the settings of the run ask for float16", needs=()),
}
PRECISION = ("precision", "dtype", "torch_dtype", "mixed_precision", "param_dtype")
HALF = ("16", "16-mixed", "16-true", "fp16", "float16", "half", "torch.float16")


def observe(case: Case) -> Iterator[Clue]:
    """Read the settings that name a precision."""
    for name, value in case.run.hparams.items():
        key = name.rpartition(".")[2].rpartition("/")[2].lower()
        half = key in ("fp16", "half", "use_fp16") and str(value).lower() in ("true", "1")
        half = half or (key in PRECISION and str(value).lower() in HALF)
        if half:
            said = f"the settings say {name} = {value}"
            window = (case.run.first_step, case.run.last_step)
            yield Clue("half_precision_configured", Evidence(said, None, *window))
            return
