"""Tables in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sweep.results.format import format_value

if TYPE_CHECKING:
    import pandas as pd

PIPED_WIDTH = 240
"""Columns of text where the output is not a terminal, so that nothing is cut off."""


def console() -> Console:
    """Return a console on standard output."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)


def print_frame(frame: pd.DataFrame, title: str | None = None) -> None:
    """Print a frame as a table; one sentence where it has no rows."""
    console().print(table(frame, title))


def table(frame: pd.DataFrame, title: str | None = None) -> Table | str:
    """Return a frame as a table that Rich can print; one sentence where it has no rows."""
    if frame.empty:
        return f"{title or 'Trials'}: none"
    result = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in frame:
        numeric = frame[name].dtype.kind in "iuf" if hasattr(frame[name].dtype, "kind") else False
        result.add_column(str(name), justify="right" if numeric else "left", no_wrap=numeric)
    for row in frame.astype(object).itertuples(index=False):
        result.add_row(*(Text(format_value(str(n), v)) for n, v in zip(frame, row, strict=True)))
    return result
