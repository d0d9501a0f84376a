"""Reading tables of trials and epochs that sweep has exported."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sweep.errors import Argument, SweepError, UsageError
from sweep.experiment.sections.objective import check_metric_name
from sweep.metrics import Direction, Objective, metric
from sweep.records import STATUSES, Divergence, DivergenceKind, Epoch
from sweep.results.importing.found import Found, FoundTrial, ended_only, repeats_of, scalar
from sweep.space.formulas import unprotected
from sweep.store.imports import Ended

SUFFIXES = (".csv", ".parquet")
"""Endings of tables that can be read."""
FIRST = ("trial", "status", "attempt", "epoch", "epochs", "seconds", "error")
"""Columns by which an exported table of trials is known."""
TEXTS = frozenset(("status", "error", "finding", "diverged_place", "diverged_kind"))
"""Columns of text."""
LAST = (
    *("epochs", "seconds", "diverged_epoch", "diverged_step", "diverged_place", "diverged_kind", "error"),
    *("ranked_epochs", "finding", "network_parameters", "multiplications"),
)
"""Columns between the metrics and the parameters."""

Row = Mapping[str, Any]
"""The values of a row by column; None where one is missing."""


OF_EPOCHS = ("trial", "epoch", "seconds")
"""Columns of each table of epochs."""
EPOCHS = Argument("epochs", "FILE")


def read_table(path: Path, epochs: Path | None, direction: Direction | None) -> Found:
    """Return the sweep in a table of trials.

    Args:
        path: a file that `sweep export` has written.
        epochs: a file of the epochs of its trials.
        direction: whether more or less of the objective is better, where its name does not tell.

    Raises:
        SweepError: when a file cannot be read or is another table.
        UsageError: when the direction is missing.
    """
    columns, rows = _read(path)
    if missing := [name for name in FIRST if name not in columns]:
        said = f"{path} is no table of trials that `sweep export` has written: it has no column '{missing[0]}'"
        if set(OF_EPOCHS) <= set(columns):
            raise SweepError(said, "; if it holds epochs, give the table of their trials, and this one with ", EPOCHS)
        raise SweepError(said)
    names = columns[columns.index("attempt") + 1 : columns.index("epochs")]
    metrics = [name for name in names if name != "epoch"]
    if not metrics:
        raise SweepError(
            f"{path} has no metric between the columns 'attempt' and 'epochs', by which trials could be ranked"
        )
    parameters = [name for name in columns[columns.index("epochs") :] if name not in LAST]
    curves = {} if epochs is None else _epochs(epochs)
    with _readable(path):
        rows = sorted(rows, key=lambda row: int(row["trial"]))
        objective = _objective(path, metrics, direction, rows, curves)
    with _readable(path):
        found = [_trial(path, row, metrics, parameters, objective, curves) for row in rows]
    kept, notes = ended_only(found, [str(row["status"]) for row in rows])
    if epochs is None:
        notes.append(
            "only the epoch that stands for each trial is imported; for curves give the file of `sweep export "
            "--epochs` as well, with --epochs FILE"
        )
    return Found(
        name=path.stem,
        source=f"the table {path.name}",
        description=f"imported from the table {path.name}",
        objective=objective,
        trials=kept,
        ranges={},
        repeats=repeats_of(kept),
        notes=notes,
    )


def _objective(
    path: Path, metrics: Sequence[str], direction: Direction | None, rows: Sequence[Row], curves: Mapping[int, Any]
) -> Objective:
    """Return how the trials are ranked."""
    name = metrics[0]
    if problem := check_metric_name(name):
        raise SweepError(f"{path} is ranked by {name!r}, but {problem}")
    known = metric(name).direction
    if known is None and direction is None:
        more, less = Argument("direction", "max"), Argument("direction", "min")
        raise UsageError(f"whether more or less of {name} is better is not known; say it with ", more, " or ", less)
    if known and direction not in (None, known):
        raise UsageError(f"{name} has the direction {known}; give no other one")
    tie = f"{metric(name).part}_loss"
    objective = Objective(name, known or direction or "max", "best", tie if tie in metrics and tie != name else None)
    is_last = any(row["epoch"] != row["epochs"] for row in rows if row["status"] == "completed") is False
    is_best = all(
        chosen is None or chosen.number == row["epoch"]
        for row in rows
        if row["status"] == "completed" and (own := curves.get(int(row["trial"])))
        for chosen in [objective.choose(epoch for epoch in own if name in epoch.metrics)]
    )
    return objective if is_best or not is_last else Objective(name, objective.direction, "last", objective.tie_break)


def _trial(
    path: Path,
    row: Row,
    metrics: Sequence[str],
    parameters: Sequence[str],
    objective: Objective,
    curves: Mapping[int, Sequence[Epoch]],
) -> FoundTrial:
    """Return the trial in a row."""
    status, number = row["status"], int(row["trial"])
    if status not in STATUSES:
        raise SweepError(f"{path}: trial {number} has the status {status!r}, which is none of {', '.join(STATUSES)}")
    at = None if row["epoch"] is None else int(row["epoch"])
    measured = {name: float(row[name]) for name in metrics if row[name] is not None}
    chosen = Epoch(at, 0.0, measured) if at is not None and objective.metric in measured else None
    own = curves.get(number, [chosen] if chosen else [])
    divergence = None
    if row.get("diverged_epoch") is not None:
        place: str = row.get("diverged_place") or ""
        kind: DivergenceKind = row.get("diverged_kind") or "invalid"
        divergence = Divergence(int(row["diverged_epoch"]), int(row.get("diverged_step") or 0), place, kind)
    ended = Ended(
        status,
        own,
        chosen=chosen,
        seconds=None if row["seconds"] is None else float(row["seconds"]),
        error=row["error"],
        finding=row.get("finding"),
        divergence=divergence,
        columns={} if row["epochs"] is None else {"last_epoch": int(row["epochs"])},
    )
    sizes = {name: int(row[name]) for name in ("network_parameters", "multiplications") if row.get(name) is not None}
    values = {name: scalar(row[name]) for name in parameters if row[name] is not None}
    return FoundTrial(values, ended, int(row.get("repeat") or 0), **sizes)


def _epochs(path: Path) -> dict[int, list[Epoch]]:
    """Return the epochs in a table of them, by the number of the trial."""
    columns, rows = _read(path)
    if missing := [name for name in OF_EPOCHS if name not in columns]:
        raise SweepError(
            f"{path} is no table of epochs that `sweep export` has written: it has no column '{missing[0]}'"
        )
    metrics = [name for name in columns if name not in OF_EPOCHS]
    found: dict[int, list[Epoch]] = {}
    with _readable(path):
        for row in rows:
            measured = {name: float(row[name]) for name in metrics if row[name] is not None}
            epoch = Epoch(int(row["epoch"]), float(row["seconds"] or 0.0), measured)
            found.setdefault(int(row["trial"]), []).append(epoch)
    return {number: sorted(own, key=lambda epoch: epoch.number) for number, own in found.items()}


def _read(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a table.

    Raises:
        SweepError: when it cannot be read.
    """
    with _readable(path):
        return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in one sentence what in a file cannot be read.

    Raises:
        SweepError: in place of what was raised.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise SweepError(f"{path} cannot be read as a table: {reason}") from None


def _parquet(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    if find_spec("pyarrow") is None:
        raise SweepError("to read .parquet needs pyarrow, so install it with pip install 'sweep-lab[parquet]'")
    import pyarrow.parquet

    table = pyarrow.parquet.ParquetFile(path).read()
    rows = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in table.to_pylist()
    ]
    return list(table.column_names), rows


def _csv(path: Path) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the columns and rows of a file of comma-separated values, each column in the type that its texts have."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        head, *lines = [*csv.reader(file)] or [[]]
    columns = [unprotected(name) for name in head]
    if any(len(line) != len(columns) for line in lines):
        raise ValueError("its lines have different numbers of values")
    readers = [_reader(name, [line[place] for line in lines]) for place, name in enumerate(columns)]
    rows = [
        {name: read(text) if text else None for name, read, text in zip(columns, readers, line, strict=True)}
        for line in lines
    ]
    return columns, rows


def _reader(column: str, texts: Iterable[str]) -> Callable[[str], Any]:
    """Return how the texts of a column are read."""
    given = [text for text in texts if text]
    if column in TEXTS:
        return unprotected
    for read in (_whole, _real, _truth):
        if all(_can(read, text) for text in given):
            return read
    return _any


def _can(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?\d+", text):
        raise ValueError(text)
    return int(text)


def _real(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _any(text: str) -> Any:
    """Return the value of a cell in a column of several types."""
    return next((read(text) for read in (_whole, _real, _truth) if _can(read, text)), unprotected(text))
