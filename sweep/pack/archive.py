"""The file of a pack: a zip of text files with a manifest, written to the same bytes each time, and read with care.

A pack comes from strangers. No name in it leads out of the folder that it is unpacked to, tables are read as streams of
lines of bounded length, and what all members may hold is bounded, too.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

from sweep.errors import PackError, SweepError
from sweep.system.files import draft_of, reason

FORMAT = 1
"""Version of what a pack consists of; raised where an older sweep could not verify a newer pack."""
MANIFEST = "manifest.json"
STAMP = (1980, 1, 1, 0, 0, 0)
"""Time of each member, the earliest that a zip can have: the time of packing is no part of what is packed."""
MOST_BYTES = 4 << 30
"""At most this many bytes may all members hold together."""
MOST_MEMBERS = 1_000
MOST_TEXT = 16 << 20
"""At most this many bytes may a member hold that is read as a whole."""
LONGEST_LINE = 16 << 20
"""Characters of a line, at most."""
CHUNK = 1 << 20
LOCAL_HEADER, DIRECTORY_HEADER = 30, 46
"""Bytes before the name of a member in a zip: where the member is, and in the directory at the end."""
END_RECORDS = (22, 98)
"""Bytes behind the directory of a zip without a comment; the second one of a zip of more than 2 GiB."""
NAME = re.compile(r"(files(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){1,9}|[a-z_]{1,50}\.(csv|json|md|toml))")
"""Names of members: no part of them leads out of a folder."""

_UNREADABLE = (BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError, zlib.error)
"""What Python raises of a damaged, encrypted or foreign zip."""


def write(file: Path, members: Mapping[str, Path], head: Mapping[str, Any]) -> None:
    """Write a pack of `members`, files by their names in it, in place of an older one.

    Args:
        file: where it is written; it appears whole or not at all.
        members: each file by its name in the pack.
        head: what the manifest says beside the digests of the members.

    Raises:
        SweepError: when it cannot be written.
    """
    digests = {name: {"sha256": _sha256(path), "bytes": path.stat().st_size} for name, path in sorted(members.items())}
    manifest = json.dumps({"format": FORMAT, **head, "members": digests}, indent=2, ensure_ascii=False) + "\n"
    draft = draft_of(file)
    try:
        with ZipFile(draft, "w", ZIP_DEFLATED) as archive:
            archive.writestr(_info(MANIFEST, len(manifest)), manifest)
            for name, path in sorted(members.items()):
                with path.open("rb") as source, archive.open(_info(name, path.stat().st_size), "w") as target:
                    while chunk := source.read(CHUNK):
                        target.write(chunk)
        draft.replace(file)
    except OSError as error:
        raise SweepError(f"the pack {file} cannot be written: {reason(error, file)}") from None
    finally:
        with suppress(OSError):
            draft.unlink()


def _info(name: str, size: int) -> ZipInfo:
    info = ZipInfo(name, STAMP)
    info.compress_type, info.create_system, info.external_attr, info.file_size = ZIP_DEFLATED, 3, 0o644 << 16, size
    return info


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def identity(file: Path) -> str:
    """Return the SHA-256 of a pack, which is that of the file.

    Raises:
        PackError: when it cannot be read.
    """
    try:
        return _sha256(file)
    except OSError as error:
        raise PackError(f"the pack {file} cannot be read: {error.strerror or error}") from None


class Archive:
    """A pack that is open for reading."""

    def __init__(self, file: Path, archive: ZipFile) -> None:
        self.file = file
        self._zip = archive
        self.names = self._names()
        """Names of the members, but for the manifest."""
        self.manifest = self._manifest()

    def _names(self) -> list[str]:
        infos = self._zip.infolist()
        names = [info.filename for info in infos]
        strange = [name for name in names if not NAME.fullmatch(name)]
        if strange:
            raise PackError(f"{self.file} is not a pack: a pack has no member named {strange[0][:80]!r}")
        if len(set(names)) < len(names):
            raise PackError(f"{self.file} is not a pack: it has two members of one name")
        if MANIFEST not in names:
            raise PackError(f"{self.file} is a zip file, but not a pack: it has no {MANIFEST}")
        if len(names) > MOST_MEMBERS or sum(info.file_size for info in infos) > MOST_BYTES:
            raise PackError(
                f"{self.file} would unpack to more than {MOST_BYTES >> 30} GiB or {MOST_MEMBERS:,} members, which no "
                "pack does; it is not read"
            )
        return sorted(name for name in names if name != MANIFEST)

    def _manifest(self) -> dict[str, Any]:
        found = self.json(MANIFEST)
        manifest: dict[str, Any] = found if isinstance(found, dict) else {}
        number = manifest.get("format")
        if type(number) is not int or number < 1:
            raise PackError(f"{self.file} is a zip file, but not a pack: its {MANIFEST} states no format")
        if number > FORMAT:
            raise PackError(
                f"{self.file} is a pack of format {number}, this sweep knows formats up to {FORMAT}; upgrade sweep"
            )
        members = manifest.get("members")
        if not isinstance(members, dict) or not all(isinstance(each, dict) for each in members.values()):
            raise PackError(f"{self.file} cannot be verified: its {MANIFEST} lists no members")
        return manifest

    def problems(self) -> list[str]:
        """Return in which members the pack is not what its manifest says, one clause each."""
        stated: dict[str, dict[str, Any]] = self.manifest["members"]
        found = [f"{name[:80]} is missing" for name in sorted(stated.keys() - set(self.names))]
        found += [f"{name} is not in the manifest" for name in self.names if name not in stated]
        if self._holds_more():
            found.append("the file holds bytes before, between or behind its members that are not part of a pack")
        for name in self.names:
            if name in stated and self._digest(name) != stated[name].get("sha256"):
                found.append(f"{name} is not what the manifest says")
        return found

    def _holds_more(self) -> bool:
        """Tell whether there are bytes beside the members and their directory, which a reader of zips skips."""
        infos = sorted(self._zip.infolist(), key=lambda info: info.header_offset)
        end = 0
        with self.file.open("rb") as stream:
            for info in infos:
                if info.header_offset != end:
                    return True
                stream.seek(end)
                header = stream.read(LOCAL_HEADER)
                if len(header) < LOCAL_HEADER:
                    return True
                # The last four bytes of the header are the lengths of the name and of the extra fields behind it.
                end += LOCAL_HEADER + sum(struct.unpack("<HH", header[-4:])) + info.compress_size
            directory = sum(
                DIRECTORY_HEADER + len(info.filename) + len(info.extra) + len(info.comment) for info in infos
            )
            size = stream.seek(0, os.SEEK_END)
        return self._zip.start_dir != end or size - end - directory not in END_RECORDS

    def _digest(self, name: str) -> str:
        digest = hashlib.sha256()
        with self._opened(name) as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        return digest.hexdigest()

    def text(self, name: str) -> str:
        """Return a member that is read as a whole.

        Raises:
            PackError: when it is missing, damaged, too long or not UTF-8.
        """
        with self._opened(name) as stream:
            content = stream.read(MOST_TEXT + 1)
        if len(content) > MOST_TEXT:
            raise PackError(f"{name} in {self.file} is longer than {MOST_TEXT >> 20} MiB, as in no pack")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise PackError(f"{name} in {self.file} is not UTF-8 text") from None

    def json(self, name: str) -> Any:
        """Return what a member of JSON holds.

        Raises:
            PackError: as `text`, or when it is not JSON.
        """
        try:
            return json.loads(self.text(name))
        except (ValueError, RecursionError):
            raise PackError(f"{name} in {self.file} is not JSON") from None

    def lines(self, name: str) -> Iterator[str]:
        """Yield the lines of a member, each with its end.

        Raises:
            PackError: when it is missing or damaged, or a line is too long.
        """
        with self._opened(name) as stream:
            text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
            while line := text.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE:
                    raise PackError(f"{name} in {self.file} has a line longer than in any pack")
                yield line

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        """Open a member; each error in reading it becomes one sentence."""
        try:
            with self._zip.open(name) as stream:
                yield stream
        except KeyError:
            raise PackError(f"{self.file} is not a whole pack: it has no {name}") from None
        except _UNREADABLE as error:
            raise PackError(f"{name} in {self.file} cannot be read: {error}") from None


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """Open a pack.

    Raises:
        PackError: when it cannot be read, is not a pack, or one of a newer format.
    """
    try:
        archive = ZipFile(file)
    except FileNotFoundError:
        raise PackError(f"there is no file {file}") from None
    except OSError as error:
        raise PackError(f"the pack {file} cannot be read: {error.strerror or error}") from None
    except (*_UNREADABLE, LookupError, OverflowError) as error:
        raise PackError(f"{file} is not a pack, or was cut short: {str(error).rstrip('.')}") from None
    with archive:
        yield Archive(file, archive)
