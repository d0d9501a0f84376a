"""Finding the files of a data set and telling by their digest whether they were loaded before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from sweep.data.dataset import Array
from sweep.errors import DataError


class Parts(NamedTuple):
    """What a loader returns: a whole data set in memory; the fields are those of `Dataset`."""

    x_train: Array
    t_train: Array
    x_test: Array
    t_test: Array
    class_names: tuple[str, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Source:
    """A data set whose files are found but not read yet."""

    name: str
    files: tuple[Path, ...]
    load: Callable[[], Parts]
    """Reads and validates the files; raises DataError."""
    options: Mapping[str, str | int | float] = field(default_factory=dict)
    """Whatever else changes the loaded arrays, such as the split."""

    def sha256(self, kind: str) -> str:
        """Return one digest over the kind, the options and the content of every file."""
        digests = [file_sha256(path) for path in self.files]
        text = json.dumps([kind, digests, dict(self.options)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Places(NamedTuple):
    """Where files may lie."""

    folder: Path | None
    """The user's folder of data sets (`--data`)."""
    base: Path | None
    """The folder of the experiment file."""

    @property
    def data_folder(self) -> Path | None:
        """The user's folder of data sets, from the environment variable SWEEP_DATA if not given."""
        if self.folder is not None:
            return self.folder
        given = os.environ.get("SWEEP_DATA")
        return expanded(given) if given else None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, read in chunks, as hexadecimal digits.

    Raises: DataError if the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: OSError) -> DataError:
    """Return the error that says why the operating system does not let `path` be read."""
    return DataError(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.")


def one_line(error: Exception) -> str:
    """Return what a library says of an error, to be quoted within a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def find_file(file: str | Path, places: Places) -> Path:
    """Return the path of a user's file: as it is if absolute, else in the data, base or current folder.

    Raises: DataError, naming all the folders that were searched.
    """
    file = expanded(str(file))
    if file.is_absolute():
        if is_file(file):
            return file
        raise DataError(f"{file} is not there or not a file: correct the path of the data set's `file`.")
    folders = [folder for folder in (places.data_folder, places.base, Path()) if folder is not None]
    for folder in folders:
        if is_file(folder / file):
            return folder / file
    searched = " nor in ".join(str(folder) for folder in [*folders[:-1], "the current folder"])
    raise DataError(
        f"The data set's file {file} is not in {searched}: "
        "correct `file`, or name the folder that holds it with --data DIR or SWEEP_DATA."
    )


def expanded(path: str) -> Path:
    """Return `path` with a leading ~ replaced by the user's home, if that is known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_file(path: Path) -> bool:
    """Tell whether `path` is a file that can be seen; a forbidden folder holds none."""
    try:
        return path.is_file()
    except OSError:
        return False
