"""The protocol of exporters, and the tables that they write."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from sweep.errors import SweepError

if TYPE_CHECKING:
    import pandas as pd

    from sweep.results.sweep import Sweep

Table = Literal["trials", "epochs", "batches"]
TABLES: tuple[Table, ...] = get_args(Table)
"""What can be exported: single trials, their epochs, the recorded losses of their mini-batches."""


class Exporter(Protocol):
    """Writes the results of a sweep where another program reads them."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of destinations that ask for this exporter, such as `.csv`; empty where a format must be named."""

    def write(self, sweep: Sweep, destination: str, table: Table) -> int:
        """Write a table of a sweep to a file, a folder or a URL, and return the number of rows.

        Raises:
            SweepError: when it cannot be written; a file appears complete or not at all.
        """


def read(sweep: Sweep, table: Table) -> pd.DataFrame:
    """Return a table of a sweep."""
    if table == "trials":
        return sweep.trials()
    return sweep.epochs() if table == "epochs" else sweep.batches()


def check_installed(module: str, what: str, extra: str) -> None:
    """Check that the package is there that `what` needs; `extra` names what installs it.

    Raises:
        SweepError: when it is not.
    """
    if find_spec(module) is None:
        raise SweepError(f"{what} needs the package {module}; install it with: pip install 'sweep-lab[{extra}]'")
