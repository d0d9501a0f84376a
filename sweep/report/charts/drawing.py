"""SVG with axes: places from 0 to 1 in, marks and text out.

A unit is a quarter of a pixel of a chart 400 pixels wide, so that whole numbers are fine enough. Lines keep their width
whatever the size, since the style of the page says so. No element has a style of its own, which the page's policy
forbids: a class says how it looks, in light, in dark and on paper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from sweep.results.plots.style import shorten

Floats = NDArray[np.float64]
Ticks = tuple[Sequence[float], Sequence[str]]
"""Places from 0 to 1, and what stands there."""

WIDTH, HEIGHT = 1600, 1040
LEFT, RIGHT, TOP, BOTTOM = 262, 68, 36, 176
LETTER = 27
"""Width of a letter of a tick."""
WIDEST = 32
"""The same on a phone, where letters are larger."""


@dataclass(frozen=True, slots=True)
class Axes:
    """A rectangle with an axis to the left and one below."""

    x: Ticks
    y: Ticks
    x_label: str
    y_label: str
    height: int = HEIGHT
    left: int = LEFT

    def across(self, places: Floats | Sequence[float]) -> NDArray[np.int64]:
        """Return where places stand from left to right."""
        found = self.left + np.asarray(places, np.float64) * (WIDTH - RIGHT - self.left)
        return np.rint(found).astype(np.int64)

    def up(self, places: Floats | Sequence[float]) -> NDArray[np.int64]:
        """Return where places stand from the top down; the place 1 is at the top."""
        bottom = self.height - BOTTOM
        return np.rint(bottom - np.asarray(places, np.float64) * (bottom - TOP)).astype(np.int64)

    def drawn(self, inside: Iterable[Markup], text: str, name: str = "") -> Markup:
        """Return the whole chart: axes, what is inside, and a text for those who cannot see it."""
        box = Markup('<svg viewBox="0 0 {} {}" role="img" class="{}" aria-label="{}">').format(
            WIDTH, self.height, name or "chart", text
        )
        return box + self._grid() + Markup("").join(inside) + self._words() + Markup("</svg>")

    def within(self, inside: Iterable[Markup]) -> Markup:
        """Return marks of which only what lies between the axes is seen."""
        left, right = self.across([0, 1]).tolist()
        bottom, top = self.up([0, 1]).tolist()
        place = (left, top, right - left, bottom - top)
        box = Markup('<svg x="{}" y="{}" width="{}" height="{}" viewBox="{}">')
        return box.format(*place, " ".join(map(str, place))) + Markup("").join(inside) + Markup("</svg>")

    def _grid(self) -> Markup:
        left, right = self.across([0, 1]).tolist()
        bottom, top = self.up([0, 1]).tolist()
        lines = [f"M{left} {y}H{right}" for y in self.up(self.y[0]).tolist()]
        lines += [f"M{x} {top}V{bottom}" for x in self.across(self.x[0]).tolist()]
        frame = Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(left, top, bottom, right)
        return Markup('<path class="grid" d="{}"/>').format("".join(lines)) + frame

    def _words(self) -> Markup:
        bottom = self.height - BOTTOM
        placed = zip(self.across(self.x[0]).tolist(), self._fitting(), strict=True)
        below = [word(_inside(x, label), bottom + 58, label, "tick middle") for x, label in placed if label]
        beside = [
            word(self.left - 18, y + 16, shorten(label, 14), "tick end" + (" bad" if label == "diverged" else ""))
            for y, label in zip(self.up(self.y[0]).tolist(), self.y[1], strict=True)
        ]
        middle = (self.left + WIDTH - RIGHT) // 2
        labels = [word(middle, self.height - 28, shorten(self.x_label, 36), "label middle")] if self.x_label else []
        if self.y_label:
            labels.append(
                Markup('<text class="label middle" transform="translate(56 {}) rotate(-90)">{}</text>').format(
                    (TOP + bottom) // 2, shorten(self.y_label, 24)
                )
            )
        return Markup("").join([*below, *beside, *labels])

    def _fitting(self) -> list[str]:
        """Return the labels below, shortened or left out where they would overlap."""
        places, labels = self.across(self.x[0]).tolist(), self.x[1]
        if len(places) < 2:
            return [shorten(label, 24) for label in labels]
        room = max(min(np.diff(sorted(places))) // LETTER - 1, 1)
        if max(map(len, labels)) <= room:
            return list(labels)
        if all(_is_number(label) for label in labels):  # a tick without its number does no harm
            return [label if place % 2 == 0 else "" for place, label in enumerate(labels)]
        return [shorten(label, max(int(room), 3)) for label in labels]


def _inside(x: int, label: str) -> int:
    """Return where the middle of a label is, so that none of it is cut off at the right of the chart."""
    return min(x, WIDTH - WIDEST * len(label) // 2 - 4)


def _is_number(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return False
    return True


def word(x: int, y: int, text: str, look: str) -> Markup:
    """Return a text at a place."""
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(look, x, y, text)


def line(x: Sequence[int], y: Sequence[int]) -> str:
    """Return a line through some points, each but the first by how far it is from the one before.

    >>> line([10, 20, 30], [5, 1, 9])
    'M10 5l10-4 10 8'
    """
    steps = [f"{x1 - x0}{'' if y1 < y0 else ' '}{y1 - y0}" for x0, x1, y0, y1 in zip(x, x[1:], y, y[1:], strict=False)]
    return f"M{x[0]} {y[0]}" + (f"l{' '.join(steps)}" if steps else "h0")


DOT, CROSS, SQUARE = "h0", "m-11-11l22 22m0-22l-22 22", "m-10-10h20v20h-20z"
"""How marks go on from their middle; a dot is the round end of a line without length."""


def marks(look: str, x: Sequence[int], y: Sequence[int], trials: Sequence[int], shape: str = DOT) -> Markup:
    """Return the marks of trials as one path; each begins in its middle with an M."""
    if not len(trials):
        return Markup("")
    path = "".join(f"M{left} {top}{shape}" for left, top in zip(x, y, strict=True))
    return Markup('<path class="{}" data-trials="{}" d="{}"/>').format(look, " ".join(map(str, trials)), path)


POINTER = Markup('<g class="found" visibility="hidden"><path/><circle r="22"/></g>')
"""What shows the trial that a pointer has found; last in a chart, so that nothing hides it."""
