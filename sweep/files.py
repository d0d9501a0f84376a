"""Writing files so that they appear whole or not at all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from sweep.errors import SweepError


def write_whole(path: Path, content: bytes) -> None:
    """Write `content` to `path`, in place of an older file; a reader never sees half of it.

    Raises:
        SweepError: the file cannot be written.
    """
    partial = path.with_name(f".{uuid4().hex}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(path)
    except OSError as error:
        raise SweepError(f"cannot write '{path}': {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
