"""The files of a data set: where they are, and their digests."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from sweep.errors import Argument, DataError


class Places(NamedTuple):
    """Folders in which files are looked for."""

    folder: Path | None
    """The user's folder of data sets."""
    base: Path | None
    """The folder of the experiment file."""

    @property
    def data_folder(self) -> Path | None:
        """The folder of data sets: as given, of the environment variable SWEEP_DATA, or the user's own if it exists."""
        if self.folder is not None:
            return self.folder
        if given := os.environ.get("SWEEP_DATA"):
            return expanded(given)
        own = user_data_folder()
        return own if own is not None and own.is_dir() else None


def user_data_folder() -> Path | None:
    """Return the folder for the user's own data sets, which may not exist; None for a user without a home."""
    from platformdirs import user_data_path

    try:
        folder = user_data_path("sweep")
    except RuntimeError:
        return None
    return folder if folder.is_absolute() else None


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
    """Return the error for a file that the operating system does not let us read."""
    return DataError(f"{path} cannot be read ({error.strerror or error}): check the file and its permissions.")


def one_line(error: Exception) -> str:
    """Return the message of another library's error in one line, to be quoted within a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def find_file(file: str | Path, places: Places) -> Path:
    """Return the path of a user's file: absolute as given, else in the data, base or current folder.

    Raises: DataError that names all the folders searched.
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
    named = {folder.absolute(): str(folder) for folder in folders}
    named.pop(Path().absolute())
    searched = " nor in ".join([*named.values(), "the current folder"])
    raise DataError(
        f"The data set's file {file} is not in {searched}: correct `file`, or name the folder that holds it with ",
        Argument("data", "DIR"),
        " or SWEEP_DATA.",
    )


def expanded(path: str) -> Path:
    """Return `path` with a leading ~ replaced by the user's home, if that is known."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_file(path: Path) -> bool:
    """Return whether `path` is a file that can be seen; False in a folder that cannot be read."""
    try:
        return path.is_file()
    except OSError:
        return False
