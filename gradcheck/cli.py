"""The command line: parse, call, render, exit."""

# Whatever costs time to import is imported inside the commands: `--help` must come at once.
# ruff: noqa: PLC0415

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

import gradcheck
from gradcheck import formats
from gradcheck.errors import GradcheckError, UsageError
from gradcheck.gate import NOTHING_TO_JUDGE, UNREADABLE, FailOn, exit_code
from gradcheck.options import (
    Baselines,
    BeginFrom,
    CaptureWhere,
    Cause,
    Config,
    FailOnOption,
    Follow,
    Format,
    FoundFormat,
    GradNorm,
    Heal,
    HowToShow,
    KeepGoing,
    LearningRate,
    Loss,
    MaybePaths,
    Module,
    NoReplay,
    Outputs,
    Paths,
    RecordDirectory,
    ReplayWords,
    Script,
    ShowConfig,
    Tensorboard,
    Verify,
    WatchCommand,
)

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
    fail_on: FailOnOption = None,
    baseline: Baselines = None,
    config: Config = None,
    loss: Loss = None,
    grad_norm: GradNorm = None,
    learning_rate: LearningRate = None,
    tensorboard: Tensorboard = False,
    follow: Follow = False,
    verify: Verify = False,
) -> None:
    """Diagnose one or many runs from their logs."""
    destinations = formats.plan(format, output or ())
    from gradcheck import delivery, judging, terminal
    from gradcheck.configuration import effective

    destinations = delivery.checked(destinations)
    settings = effective.settings(
        config,
        fail_on=fail_on.value if fail_on else None,
        roles=_named_roles(loss, grad_norm, learning_rate),
        baselines=baseline or (),
    )
    mildest = FailOn(settings.fail_on)
    if follow:
        from gradcheck import following

        report = following.follow(
            lambda: judging.judge(paths, settings, verify=verify), mildest, terminal.warn
        )
    else:
        report = judging.judge(paths, settings, progress=terminal.progress, verify=verify)
    terminal.warn_unread(report.unread)
    if not report.runs and not report.unread:
        terminal.warn(f"no training log found in {', '.join(paths)}")
    code = exit_code(report, mildest)
    delivery.deliver(report, destinations, mildest, code)
    if tensorboard and report.runs:
        from gradcheck import tensorboard_summary

        tensorboard_summary.add(report)
    raise typer.Exit(code)


@app.command(cls=WatchCommand, context_settings={"allow_interspersed_args": False})
def watch(  # noqa: PLR0913, PLR0917 - one argument for each option
    script: Script = None,
    module: Module = None,
    record: RecordDirectory = None,
    keep_going: KeepGoing = False,
    heal: Heal = False,
    replay: ReplayWords = "auto",
    no_replay: NoReplay = False,
    capture: CaptureWhere = None,
    begin: BeginFrom = None,
    fail_on: FailOnOption = None,
    config: Config = None,
    format: Format = None,
    output: Outputs = None,
) -> None:
    """Run a PyTorch script, unmodified, and catch its failure from inside."""
    arguments = script or []
    if module is None and not arguments:
        raise UsageError("watch needs a script: gradcheck watch train.py, or watch -m MODULE")
    destinations = formats.plan(format, output or ())
    from gradcheck import delivery, terminal
    from gradcheck.watch.replay import wanted

    wishes = wanted.read("none" if no_replay else replay)
    if heal and not wishes.wanted:
        raise UsageError("--heal needs replays: leave out --no-replay")
    destinations = delivery.checked(destinations)
    from gradcheck.configuration import effective

    settings = effective.settings(config, fail_on=fail_on.value if fail_on else None)
    from gradcheck.watch import command
    from gradcheck.watch.launch import Target
    from gradcheck.watch.manner import Manner, Steps

    name, own = (module, arguments) if module is not None else (arguments[0], arguments[1:])
    target = Target(name, own, is_module=module is not None)
    steps = Steps(capture is not None, Path(capture) if capture else None, begin)
    manner = Manner(keep_going=keep_going, heal=heal, replay=wishes, steps=steps)
    watched = command.run(target, record, manner, settings)
    for remark in watched.notes:
        terminal.warn(f"{target.title}: {remark}")
    mildest = FailOn(settings.fail_on)
    code = watched.exit_code(mildest)
    if watched.report.runs or output:
        delivery.deliver(watched.report, destinations, mildest, code, sys.stderr)
    if watched.report.runs:
        terminal.warn(f"the record is in {watched.directory}")
    command.die_as_told(watched.ending)
    raise typer.Exit(code)


@app.command()
def inspect(  # noqa: PLR0913, PLR0917 - one argument for each option
    paths: MaybePaths = None,
    format: HowToShow = FoundFormat.TEXT,
    config: ShowConfig = False,
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
    cause: Cause = None,
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
