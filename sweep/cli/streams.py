"""The standard streams as a command finds them: closed, broken, or of an encoding that lacks some letters.

A service or a cron job closes streams, and a pipe may end early, as behind `head`. None of that stops a sweep.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class OutputLost(Exception):
    """Standard output cannot be written any more; the cause is the OSError."""


@contextmanager
def standard_streams() -> Iterator[None]:
    """Use streams that can be written, whatever the command was given.

    What is lost of standard error is lost silently, since there is nothing left to say it on.

    Raises:
        OutputLost: from what is written to standard output, when that cannot be written.
    """
    before = sys.stdout, sys.stderr
    open_closed()
    sys.stdout = _Output(_stream(sys.stdout, 1))
    sys.stderr = _Messages(_stream(sys.stderr, 2))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def open_closed() -> None:
    """Open closed streams: a file that is opened later, such as the database, must not get the number of one."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
            os.set_inheritable(opened, True)  # for the workers, too


def _stream(stream: TextIO | None, number: int) -> Any:
    """Return a stream that writes each letter that its encoding has, and something else for all others."""
    if stream is None:
        stream = os.fdopen(number, "w", closefd=False)
    if hasattr(stream, "reconfigure"):
        with suppress(OSError):
            stream.reconfigure(errors="replace" if number == 1 else "backslashreplace")
    return stream


class _Stream:
    """A stream with other errors."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Output(_Stream):
    def write(self, text: str) -> int:
        try:
            return int(self._stream.write(text))
        except OSError as error:
            raise OutputLost from error

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            raise OutputLost from error


class _Messages(_Stream):
    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()
