"""Other tools that diagnose logs: how each is asked about one, and what its JSON answer says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

SECONDS = 120
"""What a tool may take for one log."""
SETTINGS = ("config.json", "hparams.yaml")
SPIKE_STEPS = re.compile(r"^spike steps: (\d+)")
STEPS_IN_WORDS = re.compile(r"(?:^Steps: \[|first at step |@step)(\d+)")
VALIDATION = ("eval", "val", "test")


@dataclass(frozen=True)
class Said:
    """One finding of a tool at its level of warning or above, in its own words."""

    rule: str
    grave: bool
    """Whether the tool calls it critical, an error or a failure, and not a warning."""
    words: str
    """Where the tool would name a cause: the first cause, the first remedy or the message."""
    step: int | None
    """The first step that the finding names."""


@dataclass(frozen=True)
class Answer:
    """What a tool printed about one log; nothing that can be read where it gave up."""

    out: str
    error: str
    code: int | None
    """None where it ran out of time."""

    @property
    def document(self) -> Any:
        """The JSON that was printed, or None."""
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            return None


@dataclass(frozen=True)
class Tool:
    """A tool with its command line and the meaning of its JSON, at default settings."""

    name: str
    module: str
    options: tuple[str, ...]
    """With which it prints JSON."""
    target: Callable[[Path], Path]
    """What of a log directory its user would hand to it."""
    has_loss: Callable[[Any], bool]
    """Whether its answer shows that it found a training loss."""
    says: Callable[[Any], Iterator[Said]]
    """Its findings, in its own order."""

    @property
    def version(self) -> str:
        return metadata.version(self.name)

    def ask(self, log: Path) -> Answer:
        """Run the tool on one log."""
        command = [sys.executable, "-m", self.module, *self.options, str(self.target(log))]
        try:
            ran = subprocess.run(
                command,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                stdin=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Answer("", f"more than {SECONDS} s", None)
        return Answer(ran.stdout, ran.stderr[-1000:], ran.returncode)

    def reads(self, answer: Answer) -> bool:
        """Whether it could make anything of the log."""
        document = answer.document
        return bool(document) and not (isinstance(document, dict) and document.get("error"))

    def finds_loss(self, answer: Answer) -> bool:
        """Whether it read the log and found a training loss there."""
        return self.reads(answer) and self.has_loss(answer.document)

    def ranked(self, answer: Answer) -> list[Said]:
        """Its findings, the grave ones first."""
        found = list(self.says(answer.document)) if self.reads(answer) else []
        return sorted(found, key=lambda said: not said.grave)


def asked(tool: Tool, log: Path, cache: Path) -> Answer:
    """The answer of a tool about a log; an old one if both are what they were."""
    made_by = log.with_suffix(".made-by").read_text(encoding="utf-8")
    file = cache / f"{tool.name}-{tool.version}" / log.parent.name / f"{log.name}.json"
    if file.exists():
        kept = json.loads(file.read_text(encoding="utf-8"))
        if kept.pop("made_by") == made_by:
            return Answer(**kept)
    answer = tool.ask(log)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"made_by": made_by, **asdict(answer)}), encoding="utf-8")
    part.replace(file)
    return answer


def directory(log: Path) -> Path:
    return log


def one_file(log: Path) -> Path:
    """The only log file in the directory, or the directory that holds the event files."""
    files = [p for p in sorted(log.rglob("*")) if p.is_file() and p.name not in SETTINGS]
    if any("tfevents" in file.name for file in files):
        return log
    return files[0]


def _runmedic_has_loss(document: Any) -> bool:
    return any("train_loss" in run["roles"] for run in document)


def _runmedic_says(document: Any) -> Iterator[Said]:
    for run in document:
        for one in run["findings"]:
            if one["severity"] != "info":
                listed = [SPIKE_STEPS.match(line) for line in one["evidence"]]
                steps = [int(match[1]) for match in listed if match]
                if one["step"] is not None:
                    steps.append(int(one["step"]))
                words = next(iter(one["likely_causes"]), one["title"])
                grave = one["severity"] == "critical"
                yield Said(one["check"], grave, words, min(steps, default=None))


def _losslint_has_loss(document: Any) -> bool:
    names = [name.lower() for run in document["runs"] for name in run["series"]]
    return any("loss" in n and not any(hint in n for hint in VALIDATION) for n in names)


def _losslint_says(document: Any) -> Iterator[Said]:
    for one in document["findings"]:
        if one["severity"] != "info":
            steps = one["details"].get("steps", [])
            steps += [step for _, step in one["details"].get("backtracks", [])]
            grave = one["severity"] == "error"
            yield Said(one["check"], grave, one["message"], next(iter(steps), None))


def _trainspotter_has_loss(document: Any) -> bool:
    return "train/loss" in document["run"]["metrics"]


def _trainspotter_says(document: Any) -> Iterator[Said]:
    for one in document["findings"]:
        if one["severity"] != "info":
            words = next(iter(one["fixes"]), one["message"])
            yield Said(one["detector"], one["severity"] == "error", words, one["step_start"])


def _trainproof_has_loss(document: Any) -> bool:
    return any("loss" in report["used_mapping"] for report in document["reports"])


def _trainproof_says(document: Any) -> Iterator[Said]:
    for report in document["reports"]:
        for one in report["findings"]:
            # TP-NO-LOSS says that the log was not understood, not that the run is broken
            if one["level"] in ("FAIL", "WARN") and one["id"] != "TP-NO-LOSS":
                step = STEPS_IN_WORDS.search(one["evidence"])
                words = f"{one['message']} {one['evidence']}"
                yield Said(one["id"], one["level"] == "FAIL", words, int(step[1]) if step else None)


TOOLS: Sequence[Tool] = (
    Tool("runmedic", "runmedic", ("diagnose", "--json"), directory,
         _runmedic_has_loss, _runmedic_says),
    Tool("losslint", "losslint.cli", ("check", "--format", "json"), directory,
         _losslint_has_loss, _losslint_says),
    Tool("trainspotter", "trainspotter.cli", ("analyze", "--output", "json"), one_file,
         _trainspotter_has_loss, _trainspotter_says),
    Tool("trainproof", "trainproof", ("doctor", "--json"), directory,
         _trainproof_has_loss, _trainproof_says),
)  # fmt: skip
