"""Runs a script or module as `python` itself would: argv, path, `__main__`, errors, exit code."""

from __future__ import annotations

import io
import os
import runpy
import signal
import sys
import traceback
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path

from gradcheck.errors import UsageError
from gradcheck.watch.guard import Stop

_OURS = str(Path(__file__).parents[1])


@dataclass(frozen=True)
class Target:
    """What is to be run: a script or a module, and its own arguments."""

    name: str
    arguments: Sequence[str]
    is_module: bool = False

    @property
    def title(self) -> str:
        """What to call it in a sentence."""
        return f"-m {self.name}" if self.is_module else self.name


@dataclass(frozen=True)
class Ending:
    """How the script ended: its exit code, and the exception that ended it, if one did."""

    code: int
    error: BaseException | None = None
    stopped: bool = False
    """Whether we ended it."""


def check(target: Target) -> None:
    """Refuse what cannot be run.

    Raises:
        UsageError: no such script, or it does not parse.
    """
    if target.is_module:
        return
    script = Path(target.name)
    if script.is_dir():
        if not (script / "__main__.py").is_file():
            raise UsageError(f"{script}: is a directory without a __main__.py")
        return
    if not script.is_file():
        raise UsageError(f"{script}: no such script; watch takes a Python file, or -m MODULE")
    try:
        compile(script.read_bytes(), str(script), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        reason = error.msg if isinstance(error, SyntaxError) else str(error)
        raise UsageError(f"{script}{line}: not Python: {reason}") from None
    except OSError as error:
        raise UsageError(f"{script}: cannot be read: {error.strerror or error}") from None


def run(target: Target) -> Ending:
    """Run it in this process, to its end, whatever that is."""
    sys.argv = [target.name, *target.arguments]
    start = _module if target.is_module else _script
    try:
        start(target)
    except Stop:
        return Ending(0, stopped=True)
    except SystemExit as error:
        return Ending(_code_of(error), error)
    except KeyboardInterrupt as error:
        _show(error)
        return Ending(128 + signal.SIGINT, error)
    except BaseException as error:  # the script's own: told as Python tells it
        _show(error)
        return Ending(1, error)
    return Ending(0)


def _new_main() -> types.ModuleType:
    main = types.ModuleType("__main__")
    main.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    return main


def _script(target: Target) -> None:
    path = Path(target.name)
    if path.is_dir():
        _set_first_path(str(path))
        runpy.run_path(target.name, run_name="__main__")
        return
    # the script's directory, links resolved, as Python does
    _set_first_path(os.path.dirname(os.path.realpath(target.name)))  # noqa: PTH120
    main = _new_main()
    name = str(path.absolute())
    main.__file__ = name
    main.__loader__ = SourceFileLoader("__main__", name)
    main.__dict__.update(__cached__=None, __annotations__={})
    with io.open_code(name) as opened:
        code = compile(opened.read(), name, "exec", dont_inherit=True)
    exec(code, main.__dict__)  # this is what the user asked for


def _module(target: Target) -> None:
    _set_first_path(str(Path.cwd()))
    _new_main()
    runner: Callable[..., object] = runpy._run_module_as_main  # type: ignore[attr-defined]
    runner(target.name, alter_argv=True)


def _set_first_path(directory: str) -> None:
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = directory


def _code_of(error: SystemExit) -> int:
    """The exit code that Python makes of it; a text is printed, as Python prints it."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    sys.stderr.write(f"{error.code}\n")
    return 1


def _show(error: BaseException) -> None:
    """Print the traceback through the script's own hook, without our frames."""
    error.__traceback__ = without_ours(error.__traceback__)
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except Exception:
        traceback.print_exception(type(error), error, error.__traceback__)


def without_ours(found: types.TracebackType | None) -> types.TracebackType | None:
    """The same traceback without the frames of gradcheck and of the launch."""
    frames = []
    while found is not None:
        name = found.tb_frame.f_code.co_filename
        if not name.startswith(_OURS) and not name.startswith("<frozen runpy"):
            frames.append(found)
        found = found.tb_next
    kept: types.TracebackType | None = None
    for frame in reversed(frames):
        kept = types.TracebackType(kept, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    return kept
