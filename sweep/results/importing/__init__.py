"""Importing what another program has searched, or what was exported, as a sweep that can be analyzed.

A study of Optuna's is read by `study.py`, tables by `table.py`; both return a `Found`, which `writing.py` stores.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sweep.metrics import Direction

if TYPE_CHECKING:
    from sweep.results.sweep import Sweep


def import_sweep(
    source: str | Path,
    *,
    name: str | None = None,
    study: str | None = None,
    epochs: str | Path | None = None,
    direction: Direction | None = None,
    db: str | Path | None = None,
) -> tuple[Sweep, list[str]]:
    """Import a study of Optuna's, or a table of trials that was exported, and return its sweep.

    Its trials can be ranked, plotted, analyzed and compared, but not trained. What could not be imported as it was is
    told in the second result, a sentence each.

    Args:
        source: URL or file of a database of Optuna's, or a .csv, .parquet or .json file of trials.
        name: name of the sweep; by default that of the study or the file.
        study: name of the study, where there are several.
        epochs: a .csv, .parquet or .json file of the epochs of the trials.
        direction: whether more ("max") or less ("min") of the objective is better, where a table does not tell.
        db: URL or file of the database; by default SWEEP_DB, else results/sweeps.db.

    Raises:
        SweepError: one clear sentence; see `sweep.errors`.
    """
    from sweep.arguments import folder_or_file
    from sweep.errors import Argument, UsageError
    from sweep.results.importing.study import read_study
    from sweep.results.importing.table import SUFFIXES, read_table
    from sweep.results.importing.writing import store_found
    from sweep.results.opening import database_url
    from sweep.results.sweep import Sweep
    from sweep.store import Store

    is_url = isinstance(source, str) and "://" in source
    place = str(source) if is_url else str(folder_or_file(source, "source"))
    if not is_url and Path(place).suffix.lower() in SUFFIXES:
        if study is not None:
            raise UsageError(Argument("study"), " goes with a database of Optuna's, not with a table")
        found = read_table(Path(place), None if epochs is None else folder_or_file(epochs, "epochs"), direction)
    else:
        if epochs is not None or direction is not None:
            other = "epochs" if epochs is not None else "direction"
            raise UsageError(Argument(other), " goes with a table; a study of Optuna's has its own")
        found = read_study(place, study)
    store = Store(database_url(db), create=True)
    record, notes = store_found(found, store, name)
    return Sweep(store, record), notes
