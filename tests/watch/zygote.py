"""Runs scripts, bare or watched, in forks of one process that has imported torch already.

Started as `python -c`, so that none of its frames looks like a user's; see `running.py`.
"""

import atexit
import gc
import json
import os
import runpy
import signal
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any

import torch._dynamo
from typer.testing import CliRunner

import gradcheck.cli
from gradcheck import diagnosis, formats, terminal
from gradcheck.watch import command, record
from gradcheck.watch.replay import contain

ANSWERS = int(sys.argv[1])


def become(job: dict[str, Any]) -> None:
    """Be the process that the job describes: its streams, directory, environment and clock."""
    signal.alarm(job["timeout"])
    for number, name in ((0, os.devnull), (1, job["out"]), (2, job["err"])):
        opened = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(job["cwd"])
    os.environ.update(job["env"])
    exec(compile(job["prelude"], "<prelude>", "exec"), {"__name__": "prelude"})


def play(job: dict[str, Any]) -> None:
    """Run the script of the job as `python` or `gradcheck watch` would, and end."""
    end = os._exit  # before anybody wraps it
    code = 0
    try:
        become(job)
        run(job)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if (main := vars(sys.modules["__main__"])) is not globals():
        main.clear()  # closes the script's own files
    sys.stdout.flush()
    sys.stderr.flush()
    end(code)  # to take torch down in order would take longer than most scripts


def run(job: dict[str, Any]) -> None:
    if job["watched"]:
        sys.argv = ["gradcheck", "watch", *job["arguments"]]
        gradcheck.cli.main()
    else:
        script = job["arguments"][0]
        sys.argv = list(job["arguments"])
        sys.path[0] = str(Path(script).parent)
        runpy.run_path(script, run_name="__main__")


def warm_up() -> None:
    """Import what a report needs, as far as it is imported late."""
    assert torch._dynamo and command and contain
    with tempfile.TemporaryDirectory() as folder:
        kept = record.Record(Path(folder))
        for step in range(40):
            kept.row(step, {"loss": 1.0 if step < 30 else float("nan"), "grad_norm": 1.0})
        kept.close()
        found = diagnosis.analyze(Path(folder))
        for name in ("text", "json"):
            formats.choose(name, None).render(found, terminal.canvas(None))
        options = ["--fail-on", "never", "--record", folder, "--output", f"{folder}/a.json"]
        CliRunner().invoke(gradcheck.cli.app, ["watch", *options, f"{folder}/missing.py"])


def serve() -> None:
    """Fork for every job that is read, and answer with its exit code."""
    warm_up()
    assert threading.active_count() == 1
    gc.freeze()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            play(json.loads(line))
        _, status = os.waitpid(pid, 0)
        os.write(ANSWERS, f"{os.waitstatus_to_exitcode(status)}\n".encode())


serve()
