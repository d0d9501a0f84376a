"""The files beside an experiment file that decide its results: the code of a user's own trainer, a table of points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweep.errors import SweepError
from sweep.experiment.file import experiment_of
from sweep.experiment.parameters import trainer_of
from sweep.experiment.sections.trainer import split_command
from sweep.pack.archive import NAME
from sweep.records import SweepRecord
from sweep.space.samplers.table import Table
from sweep.training.build import code_digest

FOLDER = "files"
"""Folder of a pack for them."""
MOST_BYTES = 1 << 20
"""Longer files are not packed."""


def source_files(record: SweepRecord) -> dict[str, bytes]:
    """Return the content of the files by their names in a pack; of code only if it is as when the sweep began."""
    if not record.experiment_folder:
        return {}
    folder = Path(record.experiment_folder)
    found = {}
    for name in _named(record, folder):
        content = _content(folder, name)
        if content is not None:
            found[f"{FOLDER}/{name}"] = content
    return found


def _named(record: SweepRecord, folder: Path) -> Iterator[str]:
    """Yield the names of files, relative to the folder of the experiment file."""
    trainer = trainer_of(record)
    if trainer and is_same_code(record, trainer, folder):
        yield from _code_files(trainer)
    try:
        sampler = experiment_of(record).sampler
    except SweepError:
        return
    if isinstance(sampler, Table):
        yield sampler.file


def is_same_code(record: SweepRecord, trainer: dict[str, Any], folder: Path) -> bool:
    """Tell whether the code of a user's own trainer in a folder is that with which a sweep began."""
    try:
        digest = code_digest(trainer, folder)
    except SweepError:
        return False
    return digest is not None and digest == record.environment.get("trainer")


def missing_code(trainer: dict[str, Any], folder: Path) -> str:
    """Return which file with the code of a user's own trainer is not in a folder; the empty text if there is one."""
    names = list(_code_files(trainer))
    for name in names:
        with suppress(OSError):  # a word of a command may be no name of a file
            if (folder / name).is_file():
                return ""
    which = names[0] if trainer["kind"] == "function" else f"file that its trainer {trainer['run']!r} names"
    return f"there is no {which} in {folder}"


def _code_files(trainer: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the files that the code of a user's own trainer may be in."""
    if trainer["kind"] == "function":
        module = trainer["function"].partition(":")[0].replace(".", "/")
        yield from (f"{module}.py", f"{module}/__init__.py")
    elif trainer["kind"] == "command":
        yield from dict.fromkeys(split_command(trainer["run"]))


def _content(folder: Path, name: str) -> bytes | None:
    """Return the content of a small file of text below a folder; None of all else."""
    if not NAME.fullmatch(f"{FOLDER}/{name}"):
        return None
    path = folder / name
    try:
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        content = path.read_bytes()
        content.decode()
    except (OSError, ValueError):
        return None
    return content
