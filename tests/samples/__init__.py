"""Small training scripts, each of which goes wrong, or stays healthy, in one known way.

Every script declares what its log shows in two constants, VERDICT and CAUSE, and takes the
directory to log to as its only argument. `python -m tests.samples` runs them all
and rewrites sample_logs/.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOGS = HERE.parents[1] / "sample_logs"


@dataclass(frozen=True)
class Sample:
    """One script, the verdict that its log deserves and, if the log can tell it, the cause."""

    script: Path
    verdict: str
    cause: str | None

    @property
    def name(self) -> str:
        return self.script.stem

    @property
    def logs(self) -> Path:
        return LOGS / self.verdict / self.name


def all_samples() -> list[Sample]:
    """Read what each script declares, without running it."""
    samples = []
    for script in sorted(HERE.glob("[!_]*.py")):
        declared = {
            statement.targets[0].id: ast.literal_eval(statement.value)
            for statement in ast.parse(script.read_text(encoding="utf-8")).body
            if isinstance(statement, ast.Assign)
            and isinstance(statement.targets[0], ast.Name)
            and statement.targets[0].id in ("VERDICT", "CAUSE")
        }
        samples.append(Sample(script, declared["VERDICT"], declared["CAUSE"]))
    return samples
