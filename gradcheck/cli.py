"""The command line: parse, call, render, exit."""

# Whatever costs time to import is imported inside the commands: `--help` must come at once.
# ruff: noqa: PLC0415

from __future__ import annotations

import enum
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

import gradcheck
from gradcheck import formats
from gradcheck.errors import GradcheckError, UsageError
from gradcheck.gate import NOTHING_TO_JUDGE, UNREADABLE, FailOn, exit_code

if TYPE_CHECKING:
    from gradcheck.model import Role

CRASHED = 70

app = typer.Typer(
    name="gradcheck",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # boxes around the help would double its time
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Why a training run went NaN, blew up, spiked or froze, and what to change.",
    epilog="Exit codes: 0 nothing found, 1 findings, 2 wrong usage or unreadable path, "
    "3 nothing to judge.",
)


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


def _cause_names() -> list[str]:
    from gradcheck import catalogue

    return [entry.name for entry in catalogue.entries()]


def main() -> None:
    """Run the command line; the one place where gradcheck's errors become exit codes."""
    from gradcheck.reports.escape import safe

    try:
        app()
    except GradcheckError as error:
        typer.echo(f"gradcheck: {safe(str(error))}", err=True)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception:
        # Python's own exit code for a crash is 1, which would read as findings.
        traceback.print_exc()
        raise SystemExit(CRASHED) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gradcheck {gradcheck.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    pass


@app.command()
def analyze(  # noqa: PLR0913, PLR0917 - one argument for each option
    paths: Paths,
    format: Format = None,
    output: Outputs = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="The mildest severity that makes the exit code 1.")
    ] = FailOn.FAILURE,
    loss: Loss = None,
    grad_norm: GradNorm = None,
    learning_rate: LearningRate = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Add the diagnosis to TensorBoard runs, as text beside scalars."
        ),
    ] = False,
    verify: Verify = False,
) -> None:
    """Diagnose one or many runs from their logs."""
    destinations = formats.plan(format, output or ())
    from gradcheck import delivery, diagnosis, terminal

    destinations = delivery.checked(destinations)
    overrides = _overrides(loss, grad_norm, learning_rate)
    report = diagnosis.analyze(
        *paths, overrides=overrides, progress=terminal.progress, verify=verify
    )
    terminal.warn_unread(report.unread)
    if not report.runs and not report.unread:
        terminal.warn(f"no training log found in {', '.join(paths)}")
    code = exit_code(report, fail_on)
    delivery.deliver(report, destinations, fail_on, code)
    if tensorboard and report.runs:
        from gradcheck import tensorboard_summary

        tensorboard_summary.add(report)
    raise typer.Exit(code)


class _Watch(TyperCommand):
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
            if arg in ("--replay", "--no-replay"):
                words = "none" if arg == "--no-replay" else "auto"
                if arg == "--replay" and wanted.is_value("".join(args[at : at + 1])):
                    words = args[at]
                    at += 1
                arg = f"--replay={words}"
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


@app.command(cls=_Watch, context_settings={"allow_interspersed_args": False})
def watch(  # noqa: PLR0913, PLR0917 - one argument for each option
    script: Annotated[
        list[str] | None,
        typer.Argument(metavar="SCRIPT [ARGS]...", help="The script, and its own arguments."),
    ] = None,
    module: Annotated[
        str | None,
        typer.Option("-m", metavar="MODULE", help="Run a module instead, as python -m does."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="DIR", help="Keep the record here; `analyze` reads it."),
    ] = None,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Skip a step that would poison the weights; go on."),
    ] = False,
    heal: Annotated[
        bool,
        typer.Option(
            "--heal",
            help="Go on from the last good state, with a change that held when it was tried.",
        ),
    ] = False,
    replay: Annotated[
        str,
        typer.Option(
            "--replay",
            metavar="[WORDS]",
            help="Run the failing steps again with one thing changed: auto, all (every change), "
            "fork, rollback or rerun (the way back). --no-replay: do not.",
        ),
    ] = "auto",
    capture: Annotated[
        str | None,
        typer.Option(
            "--capture",
            metavar="[=DIR]",
            help="Save the failing step, with all that it depends on: in the record, or as "
            "--capture=DIR.",
        ),
    ] = None,
    begin: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Begin with the step that --capture saved."),
    ] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="The mildest severity that makes the exit code 1.")
    ] = FailOn.FAILURE,
    format: Format = None,
    output: Outputs = None,
) -> None:
    """Run a PyTorch script, unmodified, and catch its failure from inside."""
    arguments = script or []
    if module is None and not arguments:
        raise UsageError("watch needs a script: gradcheck watch train.py, or watch -m MODULE")
    destinations = formats.plan(format, output or ())
    from gradcheck import delivery, terminal

    destinations = delivery.checked(destinations)
    from gradcheck.watch import command
    from gradcheck.watch.launch import Target
    from gradcheck.watch.replay import wanted

    name, own = (module, arguments) if module is not None else (arguments[0], arguments[1:])
    target = Target(name, own, is_module=module is not None)
    wishes = wanted.read(replay)
    if heal and not wishes.wanted:
        raise UsageError("--heal needs replays: leave out --no-replay")
    place = Path(capture) if capture else None
    steps = command.Steps(capture is not None, place, begin)
    watched = command.run(
        target, record, keep_going=keep_going, heal=heal, replay=wishes, steps=steps
    )
    for remark in watched.notes:
        terminal.warn(f"{target.title}: {remark}")
    code = watched.exit_code(fail_on)
    if watched.report.runs or output:
        delivery.deliver(watched.report, destinations, fail_on, code, sys.stderr)
    if watched.report.runs:
        terminal.warn(f"the record is in {watched.directory}")
    command.die_as_told(watched.ending)
    raise typer.Exit(code)


@app.command()
def inspect(
    paths: Paths,
    format: Annotated[FoundFormat, typer.Option(help="How to show it.")] = FoundFormat.TEXT,
    loss: Loss = None,
    grad_norm: GradNorm = None,
    learning_rate: LearningRate = None,
    verify: Verify = False,
) -> None:
    """Show what was found in the logs: runs, series and roles."""
    from gradcheck import loading, terminal
    from gradcheck.reports import inventory

    loaded = loading.collect(
        paths,
        _overrides(loss, grad_norm, learning_rate),
        progress=terminal.progress,
        verify=verify,
    )
    terminal.warn_unread(loaded.unread)
    runs = list(loaded.runs)
    if not runs and not loaded.unread:
        terminal.warn(f"no training log found in {', '.join(paths)}")
    if not runs:
        broken = any(unread.broken for unread in loaded.unread)
        raise typer.Exit(UNREADABLE if broken else NOTHING_TO_JUDGE)
    as_json = format is FoundFormat.JSON
    text = inventory.as_json(runs) if as_json else inventory.as_text(runs, terminal.canvas(None))
    terminal.write(text, None)


@app.command()
def explain(
    cause: Annotated[
        str | None, typer.Argument(metavar="[CAUSE]", autocompletion=_cause_names)
    ] = None,
) -> None:
    """List the known causes, or explain one: its look and its cure."""
    from gradcheck import catalogue, explanation, terminal

    entries = catalogue.entries()
    page = explanation.article(explanation.find(entries, cause)) if cause else None
    terminal.show(page or explanation.overview(entries))


def _overrides(
    loss: str | None, grad_norm: str | None, learning_rate: str | None
) -> dict[Role, str]:
    from gradcheck.model import Role

    named = {Role.LOSS: loss, Role.GRAD_NORM: grad_norm, Role.LEARNING_RATE: learning_rate}
    return {role: name for role, name in named.items() if name is not None}
