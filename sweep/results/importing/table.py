"""Reading tables of trials and epochs that sweep has exported."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

from sweep.errors import Argument, UsageError, shortened
from sweep.experiment.sections.objective import check_metric_name
from sweep.metrics import Direction, Objective, metric
from sweep.records import STATUSES, Divergence, DivergenceKind, Epoch, Status
from sweep.results.importing.files import LARGEST, File, Line, read_file
from sweep.results.importing.found import Found, FoundTrial, ended_only, repeats_of, scalar
from sweep.store.imports import Ended

SUFFIXES = (".csv", ".parquet", ".json")
"""Endings of tables that can be read."""
FIRST = ("trial", "status", "attempt", "epoch", "epochs", "seconds", "error")
"""Columns by which an exported table of trials is known."""
SIZES = ("network_parameters", "multiplications")
"""Columns of a trial's costs."""
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
        UsageError: when a file cannot be read or is another table.
        UsageError: when the direction is missing.
    """
    file = read_file(path)
    columns, rows = file.columns, file.rows
    if missing := [name for name in FIRST if name not in columns]:
        said = f"{path} is no table of trials that `sweep export` has written: it has no column '{missing[0]}'"
        if set(OF_EPOCHS) <= set(columns):
            raise UsageError(said, "; if it holds epochs, give the table of their trials, and this one with ", EPOCHS)
        raise UsageError(said)
    names = columns[columns.index("attempt") + 1 : columns.index("epochs")]
    metrics = [name for name in names if name != "epoch"]
    if not metrics:
        raise UsageError(
            f"{path} has no metric between the columns 'attempt' and 'epochs', by which trials could be ranked"
        )
    parameters = [name for name in columns[columns.index("epochs") :] if name not in LAST]
    lines = _lines(path, rows)
    curves = {} if epochs is None else _epochs(epochs, lines, path)
    objective = _objective(path, metrics, direction, rows, curves)
    found = [_trial(line, number, metrics, parameters, objective, curves) for number, line in lines.items()]
    kept, notes = ended_only(found, [str(line.values["status"]) for line in lines.values()])
    return Found(
        name=path.stem,
        source=f"the table {path.name}",
        description=f"imported from the table {path.name}",
        objective=objective,
        trials=kept,
        ranges={},
        repeats=repeats_of(kept),
        order=parameters,
        notes=[*notes, *_notes(file, parameters, epochs, list(lines))],
    )


def _lines(path: Path, rows: Sequence[Row]) -> dict[int, Line]:
    """Return the rows of trials by number.

    Raises:
        UsageError: when one has no number, or that of another one.
    """
    found: dict[int, Line] = {}
    for place, row in enumerate(rows, start=1):
        number = Line(path, row, f"row {place}").needed("trial")
        if number in found:
            raise UsageError(f"{path}: trial {number} is in two rows of the column 'trial'; keep one of them")
        found[number] = Line(path, row, f"trial {number}")
    return dict(sorted(found.items()))


def _notes(file: File, parameters: Sequence[str], epochs: Path | None, numbers: Sequence[int]) -> Iterator[str]:
    """Yield what a table does not tell, and what is changed."""
    gap = next((place for place, number in enumerate(numbers) if place != number), None)
    if gap is not None:
        yield f"its trials are numbered anew from 0, so that trial {numbers[gap]} is {gap}, since numbers are missing"
    if epochs is None:
        yield (
            "only the epoch that stands for each trial is imported; for curves give the file of `sweep export "
            "--epochs` as well, with --epochs FILE"
        )
    if unclear := file.unclear(parameters):
        yield (
            f"a {file.path.suffix} file does not tell texts such as 1, true and the empty one from numbers, truth "
            f"values and what is missing, which can matter in: {shortened(unclear)}; a .json file of "
            "`sweep export` keeps them"
        )


def _objective(
    path: Path, metrics: Sequence[str], direction: Direction | None, rows: Sequence[Row], curves: Mapping[int, Any]
) -> Objective:
    """Return how the trials are ranked."""
    name = metrics[0]
    if problem := check_metric_name(name):
        raise UsageError(f"{path} is ranked by {name!r}, but {problem}")
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
    line: Line,
    number: int,
    metrics: Sequence[str],
    parameters: Sequence[str],
    objective: Objective,
    curves: Mapping[int, Sequence[Epoch]],
) -> FoundTrial:
    """Return the trial in a row."""
    status = line.one_of("status", STATUSES)
    measured = {name: value for name in metrics if (value := line.number(name)) is not None}
    if status is None:
        raise line.wrong("status", f"which is none of {', '.join(STATUSES)}")
    if status == "completed" and objective.metric not in measured:
        raise line.wrong(objective.metric, "by which trials are ranked, and is completed")
    at = line.whole("epoch")
    chosen = Epoch(at, 0.0, measured) if at is not None and objective.metric in measured else None
    line.whole("attempt")
    last = line.whole("epochs")
    ended = Ended(
        cast("Status", status),
        curves.get(number, [chosen] if chosen else []),
        chosen=chosen,
        seconds=line.number("seconds", 0.0),
        error=line.values["error"],
        finding=line.values.get("finding"),
        divergence=_divergence(line, status),
        columns={} if last is None else {"last_epoch": last},
    )
    sizes = {name: size for name in SIZES if (size := line.whole(name, most=LARGEST)) is not None}
    drawn = {name: line.parameter(name) for name in parameters}
    values = {name: scalar(value) for name, value in drawn.items() if value is not None}
    return FoundTrial(values, ended, line.whole("repeat") or 0, **sizes)


def _divergence(line: Line, status: str) -> Divergence | None:
    """Return where a trial diverged, as its row has it."""
    epoch, step = line.whole("diverged_epoch"), line.whole("diverged_step")
    kind = line.one_of("diverged_kind", get_args(DivergenceKind))
    if epoch is None:
        return None
    if status in ("completed", "pruned"):
        raise line.wrong("diverged_epoch", f"but is {status}, not diverged")
    place: str = line.values.get("diverged_place") or ""
    return Divergence(epoch, step or 0, place, cast("DivergenceKind", kind or "invalid"))


def _epochs(path: Path, trials: Collection[int], table: Path) -> dict[int, list[Epoch]]:
    """Return the epochs in a table of them, by the number of the trial."""
    file = read_file(path)
    if missing := [name for name in OF_EPOCHS if name not in file.columns]:
        raise UsageError(
            f"{path} is no table of epochs that `sweep export` has written: it has no column '{missing[0]}'"
        )
    metrics = [name for name in file.columns if name not in OF_EPOCHS]
    found: dict[int, dict[int, Epoch]] = {}
    for place, row in enumerate(file.rows, start=1):
        trial = Line(path, row, f"row {place}").needed("trial")
        if trial not in trials:
            raise Line(path, row, f"row {place}").wrong("trial", f"which is no trial of {table}")
        epoch = Line(path, row, f"trial {trial}").needed("epoch")
        line, own = Line(path, row, f"epoch {epoch} of trial {trial}"), found.setdefault(trial, {})
        if epoch in own:
            raise UsageError(f"{path}: trial {trial} has {epoch} in two rows of the column 'epoch'; keep one of them")
        measured = {name: value for name in metrics if (value := line.number(name)) is not None}
        own[epoch] = Epoch(epoch, line.number("seconds", 0.0) or 0.0, measured)
    return {trial: [own[number] for number in sorted(own)] for trial, own in found.items()}
