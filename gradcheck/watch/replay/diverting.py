"""Leads whatever Python does with files to the overlay of a replay."""

# mypy: allow-untyped-calls, allow-untyped-defs, disable-error-code="no-untyped-def"
from __future__ import annotations

import _io
import builtins
import errno
import functools
import importlib
import io
import os
import pathlib
import posix
import shutil
from typing import Any

from gradcheck.watch.replay import entries
from gradcheck.watch.replay.overlay import Overlay
from gradcheck.watch.replay.rebinding import Replaced

_READ = ("stat", "access", "listxattr", "getxattr", "statvfs", "pathconf")
_READ_LINK = ("lstat", "readlink")
_CHANGED = ("chmod", "chown", "utime", "truncate", "setxattr", "removexattr")
_CHANGED_LINK = ("lchown",)
_REFUSED_QUIETLY = ("link", "mknod", "mkfifo", "chroot")
_FOREIGN = (
    # module, function, whether it writes, whether what is there is kept
    ("torch", "save", True, False),
    ("torch", "load", False, False),
    ("torch.jit", "save", True, False),
    ("torch.jit", "load", False, False),
    ("sqlite3", "connect", True, True),
    ("safetensors.torch", "save_file", True, False),
    ("safetensors.torch", "load_file", False, False),
    ("safetensors.numpy", "save_file", True, False),
    ("safetensors", "safe_open", False, False),
)
"""Functions whose own code, not Python's, opens a path that they are given."""


def install(overlay: Overlay, replaced: Replaced) -> None:
    """Replace functions of `os`, `io` and others."""
    for name, new in _functions(overlay).items():
        replaced.replace(os, name, new)
    opened = _opening(overlay)
    for owner in (builtins, io):
        replaced.replace(owner, "open", opened)
    for module, name, writes, keeps in _FOREIGN:
        _foreign(replaced, overlay, (module, name), writes=writes, keeps=keeps)
    shutil._use_fd_functions = False  # type: ignore[attr-defined]  # paths, which can be mapped
    accessor = getattr(pathlib, "_NormalAccessor", None)  # Python 3.10
    if accessor is not None:
        for name, value in list(vars(accessor).items()):
            function = getattr(value, "__func__", value)
            new = replaced.of(function)
            if new is not None:
                setattr(accessor, name, staticmethod(new))


def _named(function: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function; an error names the path that the script gave."""
    try:
        return function(*args, **kwargs)
    except OSError as error:
        if isinstance(error.filename, str):
            error.filename = os.fspath(path)
        raise


def _functions(overlay: Overlay) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for names, follow, changes in (
        (_READ, True, False),
        (_READ_LINK, False, False),
        (_CHANGED, True, True),
        (_CHANGED_LINK, False, True),
    ):
        for name in names:
            if hasattr(posix, name):
                real = getattr(posix, name)
                made[name] = _on_path(overlay, real, follow=follow, changes=changes)
    made |= dict.fromkeys(_REFUSED_QUIETLY, _nothing)
    made |= _directories(overlay) | _working_directory(overlay)
    made |= _removals(overlay) | _renames(overlay)
    made["open"] = _low_opening(overlay)
    return made


def _on_path(overlay: Overlay, real: Any, *, follow: bool, changes: bool) -> Any:
    @functools.wraps(real)
    def on_path(path, *args, dir_fd=None, **kwargs):
        if isinstance(path, int):
            return real(path, *args, **kwargs)
        if changes and overlay.exists(path, dir_fd):
            file = overlay.writing(path, dir_fd, keep=True)
        else:
            follows = follow and kwargs.get("follow_symlinks", True)
            file = overlay.reading(path, dir_fd, follow=follows)
        return _named(real, path, file, *args, **kwargs)

    return on_path


def _expect_free(overlay: Overlay, path: Any, at: int | None = None) -> None:
    if overlay.taken(path, at):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(path))


def _directories(overlay: Overlay) -> dict[str, Any]:
    def mkdir(path, mode=0o777, *, dir_fd=None):
        _expect_free(overlay, path, dir_fd)
        _named(posix.mkdir, path, overlay.writing(path, dir_fd), mode)

    def listdir(path="."):
        if isinstance(path, int):
            return posix.listdir(path)
        found = _named(lambda: list(overlay.names(path)), path)
        return [os.fsencode(one) for one in found] if isinstance(path, bytes) else found

    def scandir(path="."):
        if isinstance(path, int):
            return posix.scandir(path)
        return entries.Entries(path, _named(lambda: list(overlay.names(path)), path))

    return {"mkdir": mkdir, "listdir": listdir, "scandir": scandir}


def _working_directory(overlay: Overlay) -> dict[str, Any]:
    def chdir(path):
        if isinstance(path, int):
            path = posix.readlink(f"/proc/self/fd/{path}")
        _named(overlay.enter, path, path)

    return {
        "chdir": chdir,
        "getcwd": lambda: overlay.here,
        "getcwdb": lambda: os.fsencode(overlay.here),
    }


def _removals(overlay: Overlay) -> dict[str, Any]:
    """What is not there may have been there when the steps were first run: no error."""

    def remove(path, *, dir_fd=None):
        if overlay.exists(path, dir_fd) and not overlay.is_outside(overlay.name(path, dir_fd)):
            _named(overlay.remove, path, path, dir_fd)

    def rmdir(path, *, dir_fd=None):
        if overlay.exists(path, dir_fd) and next(overlay.names(path, dir_fd), None) is not None:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), os.fspath(path))
        remove(path, dir_fd=dir_fd)

    return {"remove": remove, "unlink": remove, "rmdir": rmdir}


def _renames(overlay: Overlay) -> dict[str, Any]:
    def rename(src, dst, *, src_dir_fd=None, dst_dir_fd=None):
        source, target = overlay.name(src, src_dir_fd), overlay.name(dst, dst_dir_fd)
        outside = overlay.is_outside(source) or overlay.is_outside(target)
        if overlay.exists(src, src_dir_fd) and not outside:
            _named(overlay.move, src, source, target)

    def symlink(src, dst, target_is_directory=False, *, dir_fd=None):
        _expect_free(overlay, dst, dir_fd)
        _named(posix.symlink, dst, src, overlay.writing(dst, dir_fd))

    return {"rename": rename, "replace": rename, "symlink": symlink}


def _low_opening(overlay: Overlay) -> Any:
    def opened(path, flags, mode=0o777, *, dir_fd=None):
        if not flags & (os.O_ACCMODE | os.O_CREAT | os.O_TRUNC):
            return _named(posix.open, path, overlay.reading(path, dir_fd), flags, mode)
        if not flags & os.O_CREAT and not overlay.exists(path, dir_fd):
            return _named(posix.open, path, overlay.reading(path, dir_fd), flags, mode)
        if flags & os.O_EXCL and flags & os.O_CREAT:
            _expect_free(overlay, path, dir_fd)
        file = overlay.writing(path, dir_fd, keep=not flags & (os.O_TRUNC | os.O_EXCL))
        return _named(posix.open, path, file, flags, mode)

    return opened


def _opening(overlay: Overlay) -> Any:
    @functools.wraps(_io.open)
    def opened(file, mode="r", *args, **kwargs):
        named = isinstance(file, str | bytes | os.PathLike)
        if not named or not isinstance(mode, str) or len(args) > 5 or kwargs.get("opener"):
            return _io.open(file, mode, *args, **kwargs)  # an opener opens by `os.open`
        if not set(mode) & set("wax+"):
            return _named(_io.open, file, overlay.reading(file), mode, *args, **kwargs)
        if "x" in mode:
            _expect_free(overlay, file)
        if "r" in mode and not overlay.exists(file):
            return _named(_io.open, file, overlay.reading(file), mode, *args, **kwargs)
        path = overlay.writing(file, keep=not set(mode) & set("wx"))
        return _named(_io.open, file, path, mode, *args, **kwargs)

    return opened


def _foreign(
    replaced: Replaced, overlay: Overlay, place: tuple[str, str], *, writes: bool, keeps: bool
) -> None:
    try:
        owner = importlib.import_module(place[0])
    except ImportError:
        return
    real = getattr(owner, place[1], None)
    if real is None:
        return

    def mapped(argument: Any) -> Any:
        if not isinstance(argument, str | os.PathLike) or argument == ":memory:":
            return argument
        return overlay.writing(argument, keep=keeps) if writes else overlay.reading(argument)

    at = 1 if writes and not keeps else 0
    key = {"torch": "f", "torch.jit": "f", "sqlite3": "database"}.get(place[0], "filename")

    @functools.wraps(real)
    def called(*args, **kwargs):
        given = list(args)
        given[at : at + 1] = map(mapped, given[at : at + 1])
        if key in kwargs:
            kwargs[key] = mapped(kwargs[key])
        return real(*given, **kwargs)

    replaced.replace(owner, place[1], called)


def _nothing(*args: Any, **kwargs: Any) -> None:
    """Do not do it."""
