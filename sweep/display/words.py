"""Times, curves and kept weights as text."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from typing import TextIO

from sweep.records import Remaining

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII_BLOCKS = "_.-=+*%#"
REST, ASCII_REST = "·", " "
CERTAIN = 1.25
"""How far above its estimate a time may be that is told as one number: then it is as far below it as 20 %."""
SOON = 10.0
"""Seconds of which nobody wants to know whether they are exact."""
UNITS = ((100, 1, "s"), (100 * 60, 60, "min"), (48 * 3600, 3600, "h"), (math.inf, 86400, "d"))
"""Up to how many seconds a unit is used, and how many it has."""
PIECE = re.compile(r" *(?:(?:(?<=: )|(?<=  ))sweep .*?(?=  |; |$)|[^ ]+)")
"""A word or a command, with the spaces before it."""


def clock(seconds: float) -> str:
    """Return a time that has passed.

    >>> clock(3725)
    '1:02:05'
    """
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def weights_of(epoch: int) -> str:
    """Return which weights are kept of a trial.

    >>> weights_of(3), weights_of(0)
    ('weights of epoch 3', 'weights of epoch 0 (the untrained network)')
    """
    return f"weights of epoch {epoch}{'' if epoch else ' (the untrained network)'}"


def time_left(left: Remaining) -> str:
    """Return an estimated time: as one number where it is known within 20 % or so, and else as two.

    >>> time_left(Remaining(7_000, 6_500, 7_700)), time_left(Remaining(7_000, 3_500, 14_000))
    ('about 1 h 55 min', '1 to 3.9 h')
    >>> time_left(Remaining(40, 20, 80)), time_left(Remaining(3, 2.9, 4)), time_left(Remaining(70, 35, 140))
    ('20 to 80 s', 'about 3 s', '0.6 to 2.3 min')
    """
    size, unit = next((size, unit) for limit, size, unit in UNITS if left.high < limit)
    low, high = (short(value / size) for value in (left.low, left.high))
    is_certain = left.high <= CERTAIN * left.seconds or left.high < SOON or low == high
    return f"about {rounded(left.seconds)}" if is_certain else f"{low} to {high} {unit}"


def short(value: float) -> str:
    """Return a number with two digits.

    >>> short(3.94), short(1.02), short(34.6)
    ('3.9', '1', '35')
    """
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else str(round(value))


def rounded(seconds: float) -> str:
    """Return a time with about two digits.

    >>> rounded(7_000), rounded(200), rounded(9.4), rounded(900_000)
    ('1 h 55 min', '3 min', '9 s', '10 d 10 h')
    """
    if seconds < 100:
        return f"{math.ceil(seconds - 0.5)} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    minutes = round(minutes / 5) * 5
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
    hours = round(seconds / 3600)
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def one_line(text: str) -> str:
    """Return a text with a space in place of whatever would move the cursor or change colors."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def for_stream(text: str, stream: TextIO) -> str:
    """Return a text as it is written to a stream: in a terminal its lines end between words."""
    if not stream.isatty():
        return text
    try:
        width = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return text
    return wrapped(text, width) if width > 0 else text


def wrapped(text: str, width: int) -> str:
    """Return a text with ends of lines between words; a command is not broken, so that it can be copied.

    >>> wrapped("all is well; go on with: sweep resume mine --workers 2", 24)
    'all is well; go on with:\\nsweep resume mine --workers 2'
    """
    return "\n".join(shown for line in text.split("\n") for shown in _wrapped_line(line, width))


def _wrapped_line(line: str, width: int) -> list[str]:
    from rich.cells import cell_len

    if len(line) <= width // 2 or cell_len(line) <= width:
        return [line]
    lines = [""]
    for piece in PIECE.findall(line):
        if lines[-1].strip() and cell_len(lines[-1] + piece) > width:
            lines.append(piece.lstrip())
        else:
            lines[-1] += piece
    return lines


def value_range(curves: Sequence[Sequence[float]], is_max: bool) -> tuple[float, float]:
    """Return between which values curves are drawn: all, or nine tenths where they may be of any size.

    >>> value_range([[100.0, *[2.0, 1.0] * 10]], is_max=False)
    (1.0, 2.0)
    """
    values = sorted(value for curve in curves for value in curve if math.isfinite(value))
    if not values:
        return 0.0, 1.0
    tenth = 0 if values[0] >= 0 and values[-1] <= 1 else len(values) // 10
    return (values[tenth], values[-1]) if is_max else (values[0], values[-1 - tenth])


def sparkline(
    curve: Sequence[float], planned: int, width: int, limits: tuple[float, float], *, is_ascii: bool = False
) -> str:
    """Return a curve as a line of blocks, so long as its part of the planned epochs, and dots for the rest.

    >>> sparkline([0, 1, 2, 3], 8, 8, (0, 3))
    '▁▃▆█····'
    """
    blocks, rest = (ASCII_BLOCKS, ASCII_REST) if is_ascii else (BLOCKS, REST)
    low, high = limits
    drawn = min(width, max(1, round(width * len(curve) / max(1, planned)))) if curve else 0
    cells = []
    for cell in range(drawn):
        value = (
            curve[(cell + 1) * len(curve) // drawn - 1] if drawn <= len(curve) else curve[cell * len(curve) // drawn]
        )
        share = (value - low) / (high - low) if high > low else 0.5
        cells.append(blocks[min(len(blocks) - 1, max(0, round(share * (len(blocks) - 1))))])
    return "".join(cells) + rest * (width - drawn)
