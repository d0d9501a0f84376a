"""The IDX format of MNIST (http://yann.lecun.com/exdb/mnist): big-endian header, then unsigned bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sweep.data.dataset import Array
from sweep.data.sources import one_line, unreadable
from sweep.errors import DataError

_GZIP = b"\x1f\x8b"


class _ItemType(NamedTuple):
    magic: int
    items: str
    item: tuple[int, ...]
    content: str

    @property
    def header(self) -> int:
        """Bytes before the first item: magic number, count, and the length of each axis of an item."""
        return 4 * (2 + len(self.item))


_IMAGES = _ItemType(0x0803, "images of 28×28", (28, 28), "pixels")
_LABELS = _ItemType(0x0801, "labels", (), "labels")


def read_images(path: Path) -> Array:
    """Return the images of an IDX file, gzipped or not, as (samples, 784) uint8.

    Raises: DataError if the file is damaged, of another format or empty, or the images are not 28×28.
    """
    return _items(path, _IMAGES).reshape(-1, 28 * 28)


def read_labels(path: Path) -> Array:
    """Return the labels of an IDX file, gzipped or not, as (samples,) int64 in [0, 9].

    Raises: DataError if the file is damaged, of another format or empty, or a label is above 9.
    """
    labels = _items(path, _LABELS)
    if labels.max() > 9:
        index = int(np.argmax(labels > 9))
        raise DataError(f"{path} has the label {labels[index]} at index {index}: labels must lie between 0 and 9.")
    return labels.astype(np.int64)


def _items(path: Path, item_type: _ItemType) -> Array:
    """Return the flat uint8 values after the header, as many as the header says."""
    content = _content(path)
    _check_magic(path, item_type, content)
    count = _count(path, item_type, content)
    held = len(content) - item_type.header
    promised = count * math.prod(item_type.item)
    promise = f"its header promises {count} {item_type.items} but it holds {held} bytes of {item_type.content}"
    if held < promised:
        raise DataError(f"{path} is truncated: {promise}; download the file again.")
    if held > promised:
        raise DataError(f"{path} is longer than it should be: {promise}; download the file again.")
    return np.frombuffer(content, np.uint8, offset=item_type.header)


def _content(path: Path) -> bytes:
    """Return the bytes of a file, unpacked if they are gzip's, whatever its name, as browsers may unpack files."""
    try:
        raw = path.read_bytes()
        content = gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except EOFError as error:
        raise DataError(f"{path} is truncated: its gzip stream ends early; download the file again.") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path} is corrupt: it does not unpack ({one_line(error)}); download the file again."
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    if not content:
        raise DataError(f"{path} is empty; download the file again.")
    return content


def _check_magic(path: Path, item_type: _ItemType, content: bytes) -> None:
    magic = int.from_bytes(content[:4], "big")
    if magic == item_type.magic:
        return
    for other in (_IMAGES, _LABELS):
        if magic == other.magic:
            raise DataError(
                f"{path} holds {other.content} where {item_type.content} should be: "
                "give the files their original names."
            )
    raise DataError(
        f"{path} is not an IDX file of {item_type.content}: it begins with the bytes {content[:4].hex()} "
        f"where {item_type.magic:08x} should be; download the file again."
    )


def _count(path: Path, item_type: _ItemType, content: bytes) -> int:
    """Return the number of items that the header states, above 0."""
    if len(content) < item_type.header:
        raise DataError(
            f"{path} is truncated: its {len(content)} bytes do not hold even the header; download the file again."
        )
    count, *item = np.frombuffer(content, ">u4", 1 + len(item_type.item), offset=4).tolist()
    if tuple(item) != item_type.item:
        raise DataError(f"{path} holds images of {'×'.join(map(str, item))}: they must be 28×28.")
    if count == 0:
        raise DataError(f"{path} holds no {item_type.content}: its header promises 0 items; download the file again.")
    return int(count)
