"""The exporter of Parquet files, which keep the type of each column."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.results.export.base import Table, check_installed, read
from sweep.system.files import write_whole

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.sweep import Sweep


class Parquet:
    """One Parquet file, whose columns pandas reads back with their types; missing values are null."""

    suffixes: tuple[str, ...] = (".parquet",)

    def write(self, sweep: Sweep, destination: str, table: Table) -> int:
        """Write a table of a sweep to a file, and return the number of rows."""
        check_installed("pyarrow", "a Parquet file", "parquet")
        frame = read(sweep, table)
        content = io.BytesIO()
        with_texts(frame).to_parquet(content, engine="pyarrow", index=False)
        write_whole(Path(destination), content.getvalue())
        return len(frame)


def with_texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose columns of mixed values, as of a choice between 0.5 and "auto", are text.

    True and false are spelled as in an experiment file, so that a table of such texts can be drawn from again.
    """
    from sweep.results.format import spelled

    mixed = [name for name in frame if frame[name].dtype == object]
    return frame.assign(**{str(name): frame[name].map(spelled, na_action="ignore").astype("str") for name in mixed})
