"""Finds and opens logs behind URLs such as s3://bucket/runs, through fsspec (an extra)."""

from __future__ import annotations

import contextlib
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gradcheck.errors import UsageError

if TYPE_CHECKING:
    from upath import UPath

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
# A fault of ours shall not pass for one of the storage.
_OURS = ("builtins", "gradcheck", "numpy")
_MAGIC = re.compile(r"[*?\[]")


def is_url(path: object) -> bool:
    """Whether a path that a user named is a URL; `file://` is one too."""
    return bool(_URL.match(str(path)))


def is_remote(path: Path) -> bool:
    """Whether a path leads to another place than the local file system."""
    return not isinstance(path, Path)


def matches(url: str) -> list[Path]:
    """The places that a URL names, patterns replaced by what they match; empty for none.

    They are not `pathlib.Path`s but have the same methods, so that readers need not know.

    Raises:
        UsageError: what is needed to open such a URL is not installed.
        OSError: the storage answers with an error.
    """
    root = _open(url)
    with failures(url):
        if root.exists():
            return [cast(Path, root)]
        if not _MAGIC.search(url):
            return []
        found = sorted(str(path) for path in root.fs.glob(root.path))
        return [cast(Path, _open(root.fs.unstrip_protocol(path))) for path in found]


def walk(root: Path) -> Iterator[Path]:
    """All files below a remote directory, in a stable order; nothing is copied."""
    remote = cast("UPath", root)
    with failures(str(root)):
        found = sorted(remote.fs.find(remote.path))
    start = remote.path.rstrip("/") + "/"
    for path in found:
        inner = str(path).removeprefix("/" if not start.startswith("/") else "")
        yield root / posixpath.relpath(inner, start)


def head(path: Path, length: int) -> bytes:
    """The first bytes of a remote file, without reading ahead.

    Raises:
        OSError: the storage answers with an error.
    """
    remote = cast("UPath", path)
    with failures(str(path)):
        return bytes(remote.fs.cat_file(remote.path, start=0, end=length))


@contextlib.contextmanager
def failures(place: str) -> Iterator[None]:
    """Turn what a storage's client raises into an OSError: each has a tree of its own."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or type(error).__module__.startswith(_OURS):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise OSError(0, reason, place) from error


def _open(url: str) -> UPath:
    try:
        from upath import UPath  # noqa: PLC0415 - an extra

        return UPath(url)
    except ImportError as error:
        what = f": {error}" if error.name != "upath" else ""
        advice = "pip install 'gradcheck[remote]'"
        raise UsageError(f"{url}: reading URLs needs {advice}{what}") from error
    except ValueError as error:
        raise UsageError(f"{url}: {error}") from error
