"""The options of the command line, each declared once."""

# Whatever costs time to import is imported inside functions: `--help` must come at once.
# ruff: noqa: PLC0415

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from gradcheck import formats
from gradcheck.gate import FailOn


class FoundFormat(str, enum.Enum):
    """The formats of `inspect`, whose output is no report."""

    TEXT = "text"
    JSON = "json"


Paths = Annotated[
    list[str],
    typer.Argument(metavar="PATH", help="Log files, or directories with the logs of runs."),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        autocompletion=lambda: list(formats.names()),
        help=f"One of {', '.join(formats.names())}. Default: by the suffix of --output, or text.",
    ),
]
Outputs = Annotated[
    list[Path] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write the report here, - is the terminal. May be repeated: then each goes by its "
        "suffix, and --format is for the terminal.",
    ),
]
Loss = Annotated[
    str | None, typer.Option("--loss", metavar="NAME", help="The series that is the loss.")
]
GradNorm = Annotated[
    str | None,
    typer.Option("--grad-norm", metavar="NAME", help="The series that is the gradient norm."),
]
LearningRate = Annotated[
    str | None,
    typer.Option("--learning-rate", metavar="NAME", help="The series that is the learning rate."),
]
Verify = Annotated[
    bool,
    typer.Option("--verify", help="Check the data against its checksums (needs an extra)."),
]
Follow = Annotated[
    bool,
    typer.Option("--follow", help="Keep reading runs that still go on, until one fails or Ctrl-C."),
]
MaybePaths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="Log files, or directories with the logs of runs."),
]
HowToShow = Annotated[FoundFormat, typer.Option(help="How to show it.")]
ShowConfig = Annotated[
    bool,
    typer.Option("--config", help="Show the settings in effect instead, or those of FILE."),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="Settings. Default: the nearest gradcheck.toml, or pyproject.toml.",
    ),
]
FailOnOption = Annotated[
    FailOn | None,
    typer.Option(help="The mildest severity that makes the exit code 1. Default: failure."),
]
Baselines = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline", metavar="PATH", help="Compare with this known good run; more are surer."
    ),
]
Tensorboard = Annotated[
    bool,
    typer.Option(
        "--tensorboard", help="Add the diagnosis to TensorBoard runs, as text beside scalars."
    ),
]
Script = Annotated[
    list[str] | None,
    typer.Argument(metavar="SCRIPT [ARGS]...", help="The script, and its own arguments."),
]
Module = Annotated[
    str | None,
    typer.Option("-m", metavar="MODULE", help="Run a module instead, as python -m does."),
]
RecordDirectory = Annotated[
    Path | None,
    typer.Option("--record", metavar="DIR", help="Keep the record here; `analyze` reads it."),
]
KeepGoing = Annotated[
    bool,
    typer.Option("--keep-going", help="Skip a step that would poison the weights; go on."),
]
Heal = Annotated[
    bool,
    typer.Option(
        "--heal",
        help="Go on from the last good state, with a change that held when it was tried.",
    ),
]
CaptureWhere = Annotated[
    str | None,
    typer.Option(
        "--capture",
        metavar="[=DIR]",
        help="Save the failing step, with all that it depends on: in the record, or as "
        "--capture=DIR.",
    ),
]
BeginFrom = Annotated[
    Path | None,
    typer.Option("--from", metavar="DIR", help="Begin with the step that --capture saved."),
]
ReplayWords = Annotated[
    str,
    typer.Option(
        "--replay",
        metavar="[WORDS]",
        help="Run the failing steps again with one thing changed: auto, all (every change), "
        "fork, rollback or rerun (the way back).",
    ),
]
NoReplay = Annotated[bool, typer.Option("--no-replay", help="Run no step again.")]


def _cause_names() -> list[str]:
    from gradcheck import catalogue

    return [entry.name for entry in catalogue.entries()]


Cause = Annotated[str | None, typer.Argument(metavar="[CAUSE]", autocompletion=_cause_names)]


class WatchCommand(TyperCommand):
    """As for python itself, `-m MODULE` ends the options: what follows is the module's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Mark the end of the options that are ours; `--replay` may stand without its words.

        `--capture` takes a directory after = alone: what follows it is the script.
        """
        from gradcheck.watch.replay import wanted

        valued = {o for p in self.params if not getattr(p, "is_flag", False) for o in p.opts}
        own: list[str] = []
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            arg = args[at]
            at += 1
            if arg == "--replay":
                given = wanted.is_value("".join(args[at : at + 1]))
                arg = f"--replay={args[at] if given else 'auto'}"
                at += given
            elif arg == "--capture":
                arg = "--capture="
            own.append(arg)
            if arg in valued:
                own += args[at : at + 1]
                at += 1
            if arg.startswith("-m"):
                own.append("--")
                break
        return super().parse_args(ctx, own + args[at:])
