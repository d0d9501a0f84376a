"""Writing files so that they appear whole or not at all."""

from __future__ import annotations

import os
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
