"""Atomic writes, and paths that a database names."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from sweep.errors import SweepError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically, replacing an older file.

    Raises:
        SweepError: when the file cannot be written.
    """
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut may leave the new name on an empty file
        partial.replace(path)
    except OSError as error:
        raise SweepError(f"cannot write '{path}': {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time do what is done within; without effect where folders cannot be locked.

    Raises:
        OSError: when the folder cannot be opened.
    """
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)  # which releases it


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or one of its causes, is a full disk or quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def within(folder: Path, *parts: str) -> Path:
    """Return the path of a file below `folder` that a database names and nobody vouches for.

    Raises:
        SweepError: when it lies elsewhere.
    """
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SweepError(f"the database names a file outside of {folder}, which is left alone: {'/'.join(parts)}")
    return path
