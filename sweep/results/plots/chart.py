"""The figure that every chart is: drawn with the same settings everywhere, and shown by notebooks."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Any

from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.text import Text

from sweep.results.plots.settings import default_settings

_FONT = "DejaVu Sans"
"""The font that comes with matplotlib."""


class Chart(Figure):
    """A figure that looks the same whatever the user's settings are."""

    unknown_letters = ""
    """Letters that no font of this machine has, known once it was drawn; they are boxes."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw it, each letter in a font that has it."""
        with default_settings():
            self._choose_fonts()
            super().draw(renderer)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write it to a file, as of any figure."""
        with default_settings():
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        """Return the picture that a notebook shows below a cell."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=100)
        return picture.getvalue()

    def _choose_fonts(self) -> None:
        texts = self.findobj(Text)
        letters = {letter for text in texts if isinstance(text, Text) for letter in text.get_text()}
        fonts, self.unknown_letters = _fonts_for("".join(sorted(letter for letter in letters if letter > "\x7f")))
        for text in texts if fonts else ():
            if isinstance(text, Text):
                text.set_fontfamily([_FONT, *fonts])


@lru_cache(maxsize=64)
def _fonts_for(letters: str) -> tuple[tuple[str, ...], str]:
    """Return fonts for the letters that the usual one lacks, and the letters that no font has."""
    missing = {ord(letter) for letter in letters} - get_font(
        findfont(FontProperties(family=_FONT))
    ).get_charmap().keys()
    fonts: list[str] = []
    for entry in sorted(fontManager.ttflist, key=_unlikeness):
        # Fonts of last resort show the number of any letter.
        if not missing or "Last Resort" in entry.name:
            continue
        try:
            known = missing & get_font(entry.fname).get_charmap().keys()
        except (OSError, RuntimeError):
            continue  # a font that was removed, or is damaged
        if known:
            fonts.append(entry.name)
            missing -= known
    return tuple(fonts), "".join(map(chr, sorted(missing)))


def _unlikeness(entry: Any) -> tuple[bool, bool, bool, str]:
    """Return how little a font looks like the usual one: first those without serifs, upright and of normal weight."""
    return "Sans" not in entry.name, entry.style != "normal", entry.weight not in (400, "normal", "regular"), entry.name
