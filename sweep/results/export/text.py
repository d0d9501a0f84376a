"""Exporters of text files: CSV and JSON, numbers in full."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweep.errors import UsageError
from sweep.results.export.base import Table, read
from sweep.results.format import render
from sweep.space.formulas import protected
from sweep.system.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.sweep import Sweep


class TextExporter:
    """Writes a table as one of `sweep.results.format.FORMATS`."""

    suffixes: tuple[str, ...] = ()
    format: str = ""

    def write(self, sweep: Sweep, destination: str, table: Table) -> int:
        """Write a table of a sweep to a file, and return the number of rows."""
        frame = read(sweep, table)
        write_whole(Path(destination), self.text(frame).encode())
        return len(frame)

    def text(self, frame: pd.DataFrame) -> str:
        """Return the content of the file for a table of a sweep."""
        return render(frame, self.format)

    def write_frame(self, frame: pd.DataFrame, path: Path) -> None:
        """Write a frame to a file, which appears complete or not at all, in place of an older one.

        Raises:
            SweepError: when it cannot be written.
        """
        write_whole(path, render(frame, self.format).encode())


class Csv(TextExporter):
    """Comma-separated values, nothing where a value is missing; no text is a formula for a spreadsheet."""

    suffixes = (".csv",)
    format = "csv"

    def text(self, frame: pd.DataFrame) -> str:
        """Return the content of the file; texts and names that a spreadsheet would run begin with an apostrophe."""
        texts = [name for name in frame if frame[name].dtype in (object, "str")]
        safe = {str(name): frame[name].map(_protected, na_action="ignore") for name in texts}
        return render(frame.assign(**safe).rename(columns=protected), self.format)


class Json(TextExporter):
    """A list of records, one on each line, null where a value is missing."""

    suffixes = (".json",)
    format = "json"


def _protected(value: object) -> object:
    return protected(value) if isinstance(value, str) else value


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame to a .csv or .json file.

    Raises:
        UsageError: when the suffix is another one.
        SweepError: when the file cannot be written.
    """
    by_suffix = {suffix: kind for kind in (Csv, Json) for suffix in kind.suffixes}
    if path.suffix.lower() not in by_suffix:
        raise UsageError(f"cannot write '{path}': its name must end in {' or '.join(by_suffix)}")
    by_suffix[path.suffix.lower()]().write_frame(frame, path)
