"""Atomic writes, and paths that a database names."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE, S_IWGRP, S_IWOTH, S_IWUSR
from uuid import uuid4

from sweep.errors import SweepError, UsageError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SQLITE = b"SQLite format 3\0"
"""The beginning of each database of SQLite."""
LOGS = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite writes beside a database."""
ANY_WRITE = S_IWUSR | S_IWGRP | S_IWOTH
"""A file that has none of these is read-only, even where the user may write all files."""


_ELSEWHERE = "choose another place"
ADVICE = {
    errno.EACCES: f"change the permissions, or {_ELSEWHERE}",
    errno.EPERM: f"change the permissions, or {_ELSEWHERE}",
    errno.ENOSPC: f"free some space there, or {_ELSEWHERE}",
    errno.EDQUOT: f"free some space there, or {_ELSEWHERE}",
    errno.EROFS: _ELSEWHERE,
    errno.EISDIR: "name a file in it",
    errno.ENAMETOOLONG: "choose a shorter name",
}
"""Number of an error of the system -> what to do."""


def reason(error: OSError, path: Path) -> str:
    """Return why a file or a folder cannot be written, and what to do, as the end of a sentence."""
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
        for each in (*reversed(path.parents), path):
            if os.path.lexists(each) and not each.is_dir():
                return f"'{each}' is not a folder; {_ELSEWHERE}"
        if not path.parent.is_dir():
            return f"there is no folder '{path.parent}'; make it first"
    return f"{error.strerror or error}; {ADVICE.get(error.errno or 0, _ELSEWHERE)}"


def check_place(path: Path) -> None:
    """Check that there is a folder for a file, before what it will hold is computed.

    Raises:
        SweepError: when there is none, or it is a folder itself.
    """
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.stat()
        path.lstat()
    except OSError as error:
        if not isinstance(error, FileNotFoundError) or not path.parent.is_dir():
            raise SweepError(f"cannot write '{path}': {reason(error, path)}") from None


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, where they are missing.

    Raises:
        SweepError: when it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SweepError(f"cannot make the folder '{path}': {reason(error, path)}") from error


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path` atomically, replacing the content of an older file.

    A symbolic link stays one: the file that it means is written.

    Raises:
        SweepError: when the file cannot be written, or is read-only or a database.
    """
    try:
        check_no_database(path)
        if path.exists() and not path.is_file():  # a pipe or a device
            path.write_bytes(content)
        else:
            _replace(Path(os.path.realpath(path)), content)
    except OSError as error:
        raise SweepError(f"cannot write '{path}': {reason(error, path)}") from error


def draft_of(path: Path) -> Path:
    """Return the name beside a path under which a file is written until it is complete.

    A process that is killed leaves it, and whoever finds it may delete it.
    """
    return path.with_name(f".sweep-{uuid4().hex}.partial")


def check_no_database(path: Path) -> None:
    """Refuse a path at which a database of SQLite lies, or a file that belongs to one: no command may destroy it.

    Raises:
        UsageError: when there is one.
    """
    real = Path(os.path.realpath(path))
    for ending in ("", *LOGS):
        database = real.with_name(real.name.removesuffix(ending))
        if real.name.endswith(ending) and real.is_file() and _begins_with(database, SQLITE):
            raise UsageError(f"'{path}' is a database, which is not written over; choose another name")


def check_replaced(path: Path, beginning: bytes, kind: str) -> None:
    """Refuse a path at which a file of another kind lies, such as an experiment file that was named by mistake.

    Args:
        path: where a file will be written.
        beginning: with which all files of its kind begin.
        kind: what that is, such as "pack".

    Raises:
        UsageError: when there is one; an empty file is of any kind.
    """
    check_no_database(path)
    if path.is_file() and path.stat().st_size and not _begins_with(path, beginning):
        raise UsageError(f"'{path}' is there already and is no {kind}; choose another name, or delete it first")


def _begins_with(path: Path, beginning: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(beginning)) == beginning
    except OSError:
        return False


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode if path.exists() else None
    if mode is not None and not (mode & ANY_WRITE and os.access(path, os.W_OK)):
        raise PermissionError(errno.EACCES, "it is read-only")
    partial = draft_of(path)
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut may leave the new name on an empty file
        if mode is not None:
            partial.chmod(S_IMODE(mode))
        partial.replace(path)
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


def utf_8_path(path: Path) -> str:
    """Return a path as text that does not depend on the current folder.

    Raises:
        SweepError: when a name in it is not text, or the current folder has been deleted.
    """
    try:
        text = str(path.absolute())
        text.encode()
    except FileNotFoundError:
        raise SweepError("the current folder does not exist any more; change to another one") from None
    except UnicodeEncodeError:
        shown = os.fsencode(text).decode("utf-8", "backslashreplace")
        raise SweepError(f"the name of the folder {shown} is not UTF-8, so it cannot be stored; rename it") from None
    return text


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
