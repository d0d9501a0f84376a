"""How figures are written into a page, and the check that each of them comes from the data.

Each filter remembers the numbers that it writes. A number of a finished page that none of them has written was typed
into the template, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
LINK_TARGET = re.compile(r"\]\([^)]*\)")
TEMPLATES = Path(__file__).parent / "templates"


class FigureError(Exception):
    """A page states a figure that is not in the data."""


class Figures:
    """The filters of the templates, which remember what they write."""

    def __init__(self) -> None:
        self.stated: set[str] = set()

    def text(self, value: object) -> str:
        """Write a text of the data, such as a name, a command or a version."""
        return self._remembered(str(value))

    def whole(self, value: float) -> str:
        """Write an integer, with commas between thousands."""
        return self._remembered(f"{int(value):,}")

    def fixed(self, value: float, digits: int = 4) -> str:
        """Write a number with so many decimals."""
        return self._remembered("–" if pd.isna(value) else f"{value:.{digits}f}")

    def significant(self, value: float, digits: int = 3) -> str:
        """Write a number with so many significant digits."""
        return self._remembered("–" if pd.isna(value) else f"{value:.{digits}g}")

    def percent(self, value: float, digits: int = 2) -> str:
        """Write a share in percent."""
        return self._remembered("–" if pd.isna(value) else f"{100 * value:.{digits}f} %")

    def percents(self, value: Sequence[float], digits: int = 0) -> str:
        """Write the two ends of an interval in percent."""
        return self._remembered(f"{100 * value[0]:.{digits}f} to {100 * value[1]:.{digits}f} %")

    def table(self, rows: pd.DataFrame, formats: Mapping[str, str] | None = None) -> str:
        """Write a frame as a table of Markdown, each column by a format such as `.4f`, `,` or none for texts."""
        formats = formats or {}
        lines = ["| " + " | ".join(self.text(name) for name in rows) + " |"]
        is_number = [pd.api.types.is_numeric_dtype(rows[name]) for name in rows]
        lines += ["|" + "|".join("---:" if number else "---" for number in is_number) + "|"]
        names = [str(name) for name in rows]
        for row in rows.itertuples(index=False, name=None):
            cells = [self._cell(value, formats.get(name, "")) for name, value in zip(names, row, strict=True)]
            lines += ["| " + " | ".join(cells) + " |"]
        return "\n".join(lines)

    def _cell(self, value: object, form: str) -> str:
        if value is None or (isinstance(value, float) and pd.isna(value)):
            return ""
        return self._remembered(format(value, form).replace("|", "\\|"))

    def _remembered(self, text: str) -> str:
        self.stated.update(NUMBER.findall(text))
        return text

    def filters(self) -> dict[str, Callable[..., str]]:
        """Return the filters by the names that the templates use."""
        names = ("text", "whole", "fixed", "significant", "percent", "percents", "table")
        return {name: getattr(self, name) for name in names}

    def check(self, page: str, name: str) -> None:
        """Check that each number of a finished page was written by a filter.

        Raises:
            FigureError: naming the first one that was not.
        """
        for place, line in enumerate(LINK_TARGET.sub("]()", page).split("\n"), start=1):
            for number in NUMBER.findall(line):
                if number not in self.stated:
                    raise FigureError(f"{name}, line {place}: the figure {number} is not in the data: {line.strip()!r}")


def rendered(template: str, content: Mapping[str, Any]) -> str:
    """Return a page, after the check of its figures.

    Raises:
        FigureError: when it states a figure that is not in the data.
    """
    figures = Figures()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the pages are Markdown
    )
    environment.filters.update(figures.filters())
    page = environment.get_template(template).render(**content)
    figures.check(page, template)
    return page
