"""Published data sets: downloaded, and compared with the digests of what was published."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from sweep.data.dataset import Task
from sweep.data.formats import KINDS
from sweep.data.formats.base import Request, Source
from sweep.data.published import DIGITS, PUBLISHED, Published, PublishedFile
from sweep.data.sources import Places, file_sha256
from sweep.errors import DataError, UsageError, suggest

Progress = Callable[[str, int, int], None]
"""A function (name of the file, bytes done, bytes in all, 0 if not known)."""
SECONDS = 30
"""Seconds without an answer after which a server is given up."""
AS_PUBLISHED, PACKED_ANEW, DIFFERENT, UNKNOWN = "as published", "as published, packed anew", "different", "not known"


@dataclass(frozen=True)
class FileCheck:
    """What was found of one file of a data set."""

    path: Path
    sha256: str
    verdict: str
    """`as published`, `as published, packed anew`, `different`, or `not known` of a file that nobody published."""


def fetch(kind: str, folder: Path, progress: Progress = lambda name, done, total: None) -> list[Path]:
    """Download the files of a published data set that are not there yet, and return all of them.

    A file appears whole and with the published digest, or not at all; files that are there are left as they are.

    Args:
        kind: one of `PUBLISHED`.
        folder: the folder of data sets; the files go into its sub-folder of this kind.
        progress: told how far a download is.

    Raises:
        UsageError: when nobody publishes this data set.
        DataError: when a file is there that is another, or it cannot be downloaded.
    """
    if kind not in PUBLISHED:
        hint = "it comes with scikit-learn" if kind == "digits" else suggest(kind, PUBLISHED)
        raise UsageError(f"the data set {kind!r} is not one that can be downloaded; {hint}")
    published = PUBLISHED[kind]
    target = folder / kind / published.folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        missing = [file for file in published.files if not _is_there(target, file)]
        if missing and published.archive:
            _unpack(_download(published, published.archive, folder / kind, progress), target, missing)
        elif missing:
            for file in missing:
                _download(published, file, target, progress)
    except OSError as error:
        raise DataError(f"{target} cannot be written ({error.strerror or error}): name another folder.") from error
    return [target / file.name for file in published.files]


def _is_there(folder: Path, file: PublishedFile) -> bool:
    path = folder / file.name
    if not path.exists():
        return False
    if _verdict(path, file) == DIFFERENT:
        raise DataError(f"{path} is there, but is not the published file: move it away, and fetch again.")
    return True


class _Bar:
    """Passes what pooch tells a progress bar on to a function."""

    def __init__(self, name: str, progress: Progress) -> None:
        self.total = 0
        self._name, self._progress, self._done = name, progress, 0

    def update(self, count: int) -> None:
        """Add bytes to those done."""
        self._done += count
        self._progress(self._name, min(self._done, self.total or self._done), self.total)

    def reset(self) -> None:
        """Begin again."""
        self._done = 0

    def close(self) -> None:
        """Do nothing, since the function needs no end."""


def _download(published: Published, file: PublishedFile, folder: Path, progress: Progress) -> Path:
    """Download one file from the first address that serves it as it was published; return its path."""
    reasons = []
    for address in published.addresses:
        try:
            return _retrieve(address + file.name, file, folder, progress)
        except DataError as error:
            reasons.append(f"{address + file.name}: {error}")
    raise DataError(
        f"{file.name} cannot be downloaded ({'; '.join(reasons)}): check the network and fetch again, or put the file "
        f"into {folder} yourself."
    )


def _retrieve(url: str, file: PublishedFile, folder: Path, progress: Progress) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("ERROR")
    downloader = pooch.HTTPDownloader(progressbar=_Bar(file.name, progress), timeout=SECONDS)
    try:
        return Path(pooch.retrieve(url, f"sha256:{file.sha256}", file.name, folder, downloader=downloader))
    except requests.Timeout as error:
        raise DataError(f"no answer within {SECONDS} seconds") from error
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else "an error"
        raise DataError(f"the server answers {code}") from error
    except requests.RequestException as error:
        raise DataError("it cannot be reached, or the connection broke") from error
    except ValueError as error:
        raise DataError("what it serves is not the published file") from error


def _unpack(archive: Path, folder: Path, files: list[PublishedFile]) -> None:
    """Write files of an archive to a folder, each whole or not at all."""
    with tarfile.open(archive) as tar:
        members = {Path(member.name).name: member for member in tar.getmembers() if member.isfile()}
        for file in files:
            stream = tar.extractfile(members[file.name]) if file.name in members else None
            if stream is None:
                raise DataError(f"{archive} does not hold {file.name}: fetch it again.")
            partial = folder / f".sweep-{uuid4().hex}.partial"
            try:
                partial.write_bytes(stream.read())
                partial.replace(folder / file.name)
            finally:
                partial.unlink(missing_ok=True)


def verify(kind: str, places: Places, **options: Any) -> list[FileCheck]:
    """Compare the files of a data set with those published, and read all of them.

    Args:
        kind: one of `KINDS`.
        places: the folders to look in.
        options: of the kind, such as `file` of npz.

    Returns: a check of each file; those of a data set that nobody publishes have no verdict but their digest.
    Raises:
        UsageError: when there is no kind of that name.
        DataError: when the data set is not there, or cannot be read; a file that differs is not an error.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no kind of data set {kind!r}; {suggest(kind, KINDS)}")
    source: Source = KINDS[kind].locate(places, **options)
    published = PUBLISHED[kind].files if kind in PUBLISHED else (DIGITS,) if kind == "digits" else ()
    known = {_stem(file.name): file for file in published}
    return [FileCheck(path, file_sha256(path), _verdict(path, known.get(_stem(path.name)))) for path in source.files]


def check_readable(kind: str, places: Places, task: Task | None = None, **options: Any) -> dict[str, int]:
    """Read a whole data set, and return the samples of each part.

    Raises:
        DataError: when it is not there, or a file is damaged.
    """
    loaded = KINDS[kind].locate(places, **options).load(Request(task))
    return {name: len(part.x) for name, part in loaded.parts.items()}


def _stem(name: str) -> str:
    """Return the name of a file without what its copies are named differently by."""
    return name.removesuffix(".gz").replace(".idx", "-idx")


def _verdict(path: Path, file: PublishedFile | None) -> str:
    if file is None:
        return UNKNOWN
    digest = file_sha256(path)
    if digest == file.sha256:
        return AS_PUBLISHED
    if not file.unpacked:
        return DIFFERENT
    if digest != file.unpacked and path.suffix == ".gz":
        try:
            with gzip.open(path) as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except (OSError, EOFError):
            return DIFFERENT
    return PACKED_ANEW if digest == file.unpacked else DIFFERENT
