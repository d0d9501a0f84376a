"""SQLite's write-ahead log: transactions that were committed, but that SQLite will drop because a byte has changed.

At the first frame whose checksum is wrong SQLite takes the log to end, as if a crash had cut it short, without an
error. Committed frames behind that one show that it was not a crash. The format: https://sqlite.org/fileformat2.html#wal
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
NATIVE_ORDER = {0x377F0682: "<", 0x377F0683: ">"}
"""Magic number -> byte order of the words that checksums are made of."""


@dataclass(frozen=True)
class _Frame:
    content: bytes
    """The part of the header that the checksum covers, and the page."""
    commits: bool
    salts: tuple[int, int]
    sums: tuple[int, int]


def lost_transactions(log: Path) -> int:
    """Return how many committed transactions of a log can no longer be read; 0 for one that is sound or missing.

    A log whose own header is damaged is lost as a whole: all of its transactions count.
    """
    try:
        data = log.read_bytes()
    except OSError:
        return 0
    if len(data) <= HEADER_BYTES:
        return 0
    magic, _, page_bytes = struct.unpack(">3I", data[:12])
    salts: tuple[int, int] = struct.unpack(">2I", data[16:24])
    order = NATIVE_ORDER.get(magic)
    sums: tuple[int, int] = struct.unpack(">2I", data[24:32])
    if order is None or _checksum(data[:24], (0, 0), order) != sums:
        return max(1, sum(frame.commits for frame in _frames(data, _page_bytes(page_bytes))))
    return _lost_frames(data, page_bytes, salts, sums, order)


def _lost_frames(data: bytes, page_bytes: int, salts: tuple[int, int], sums: tuple[int, int], order: str) -> int:
    """Return the number of commits of this log behind its first frame that has changed."""
    lost, is_whole = 0, True
    for frame in _frames(data, page_bytes):
        if is_whole and frame.salts == salts:
            sums = _checksum(frame.content, sums, order)
            is_whole = sums == frame.sums
        elif is_whole:
            is_whole = False
            if _is_older(frame.salts, salts):  # frames of an earlier log
                return 0
            lost += frame.commits  # its salts themselves have changed
            continue
        if not is_whole and frame.salts == salts:
            lost += frame.commits
    return lost


def _is_older(salts: tuple[int, int], present: tuple[int, int]) -> bool:
    """Tell whether salts are those of an earlier log: for each log the first is counted up, the second drawn."""
    return salts[0] != present[0] and salts[1] != present[1]


def _frames(data: bytes, page_bytes: int) -> Iterator[_Frame]:
    step = FRAME_HEADER_BYTES + page_bytes
    for start in range(HEADER_BYTES, len(data) - step + 1, step):
        _, pages, *rest = struct.unpack(">6I", data[start : start + FRAME_HEADER_BYTES])
        content = data[start : start + 8] + data[start + FRAME_HEADER_BYTES : start + step]
        yield _Frame(content, pages != 0, (rest[0], rest[1]), (rest[2], rest[3]))


def _page_bytes(stated: int) -> int:
    """Return a possible page size where the stated one may be damaged."""
    return stated if stated in {2**power for power in range(9, 17)} else 4096


def _checksum(content: bytes, sums: tuple[int, int], order: str) -> tuple[int, int]:
    one, two = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two
