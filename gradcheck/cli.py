"""The command line: parse, call, render, exit."""

# Whatever costs time to import is imported inside the commands: `--help` must come at once.
# ruff: noqa: PLC0415

from __future__ import annotations

import enum
import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import gradcheck
from gradcheck import formats
from gradcheck.errors import GradcheckError, UsageError
from gradcheck.gate import NOTHING_TO_JUDGE, UNREADABLE, FailOn, exit_code

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
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write the report here.")
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
    output: Output = None,
    fail_on: FailOnOption = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Compare with this known good run; more are surer."),
    ] = None,
    config: Config = None,
    loss: Loss = None,
    grad_norm: GradNorm = None,
    learning_rate: LearningRate = None,
    verify: Verify = False,
) -> None:
    """Diagnose one or many runs from their logs."""
    renderer = formats.choose(format, output)
    from gradcheck import judging, terminal
    from gradcheck.configuration import effective

    terminal.check_writable(output)
    settings = effective.settings(
        config,
        fail_on=fail_on.value if fail_on else None,
        roles=_named_roles(loss, grad_norm, learning_rate),
        baselines=baseline or (),
    )
    report = judging.judge(paths, settings, progress=terminal.progress, verify=verify)
    terminal.warn_unread(report.unread)
    if not report.runs and not report.unread:
        terminal.warn(f"no training log found in {', '.join(paths)}")
    terminal.write(renderer.render(report, terminal.canvas(output)), output)
    raise typer.Exit(exit_code(report, FailOn(settings.fail_on)))


class _Watch(TyperCommand):
    """As for python itself, `-m MODULE` ends the options: what follows is the module's own."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Mark the end of the options that are ours."""
        valued = {o for p in self.params if not getattr(p, "is_flag", False) for o in p.opts}
        at = 0
        while at < len(args) and args[at].startswith("-") and args[at] != "--":
            glued = args[at].startswith("-m") and args[at] != "-m"
            at += 2 if args[at] in valued else 1
            if glued or args[at - 2 : at - 1] == ["-m"]:
                args = [*args[:at], "--", *args[at:]]
                break
        return super().parse_args(ctx, args)


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
    fail_on: FailOnOption = None,
    config: Config = None,
    format: Format = None,
    output: Output = None,
) -> None:
    """Run a PyTorch script, unmodified, and catch its failure from inside."""
    arguments = script or []
    if module is None and not arguments:
        raise UsageError("watch needs a script: gradcheck watch train.py, or watch -m MODULE")
    renderer = formats.choose(format, output)
    from gradcheck import terminal

    terminal.check_writable(output)
    from gradcheck.configuration import effective

    settings = effective.settings(config, fail_on=fail_on.value if fail_on else None)
    from gradcheck.watch import command
    from gradcheck.watch.launch import Target

    name, own = (module, arguments) if module is not None else (arguments[0], arguments[1:])
    target = Target(name, own, is_module=module is not None)
    watched = command.run(target, record, keep_going=keep_going, settings=settings)
    for remark in watched.notes:
        terminal.warn(f"{target.title}: {remark}")
    if watched.report.runs or output is not None:
        text = renderer.render(watched.report, terminal.canvas(output, sys.stderr))
        terminal.write(text, output, sys.stderr)
    if watched.report.runs:
        terminal.warn(f"the record is in {watched.directory}")
    command.die_as_told(watched.ending)
    raise typer.Exit(watched.exit_code(FailOn(settings.fail_on)))


@app.command()
def inspect(  # noqa: PLR0913, PLR0917 - one argument for each option
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="PATH", help="Log files, or directories with the logs of runs."),
    ] = None,
    format: Annotated[FoundFormat, typer.Option(help="How to show it.")] = FoundFormat.TEXT,
    config: Annotated[
        bool,
        typer.Option("--config", help="Show the settings in effect instead, or those of FILE."),
    ] = False,
    loss: Loss = None,
    grad_norm: GradNorm = None,
    learning_rate: LearningRate = None,
    verify: Verify = False,
) -> None:
    """Show what was found in the logs: runs, series and roles."""
    named = _named_roles(loss, grad_norm, learning_rate)
    if config:
        from gradcheck import settings_command

        settings_command.show(paths or [], named, as_json=format is FoundFormat.JSON)
        return
    if not paths:
        raise UsageError("inspect needs a PATH, or --config to show the settings")
    from gradcheck import loading, terminal
    from gradcheck.configuration import effective
    from gradcheck.reports import inventory

    loaded = loading.collect(
        paths,
        effective.settings(roles=named).overrides,
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


def _named_roles(
    loss: str | None, grad_norm: str | None, learning_rate: str | None
) -> dict[str, str]:
    named = {"loss": loss, "grad-norm": grad_norm, "learning-rate": learning_rate}
    return {key: name for key, name in named.items() if name is not None}
