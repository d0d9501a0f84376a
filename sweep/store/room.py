"""Whether there is room on the disk of a database, which a file of SQLite needs even to be read."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryFile

from sweep.system.files import LOGS

ROOM = 1 << 16
"""Bytes that there must be room for where the question is whether the database can be written."""


def why_no_room(folder: Path) -> OSError | None:
    """Return why no file of some size can be made in a folder; None where one can."""
    try:
        with TemporaryFile(dir=folder, buffering=0) as stream:
            stream.write(bytes(ROOM))
    except OSError as error:
        return error
    return None


def is_stuck(path: Path) -> bool:
    """Tell whether a file is one that nobody has open, on a disk without room for what SQLite makes to read it."""
    if not path.exists() or any(path.with_name(f"{path.name}{ending}").exists() for ending in LOGS):
        return False
    return shutil.disk_usage(path.parent).free < ROOM
