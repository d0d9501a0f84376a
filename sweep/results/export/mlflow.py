"""The exporter for MLflow: an experiment for a sweep, and a run for each trial, in MLflow's own database.

MLflow makes its tables; the rows of runs are inserted together, in a hundredth of the time that its client takes for
them. What was exported before is replaced: the identifiers of runs follow from the sweep and the trial.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sweep.errors import SweepError, UsageError
from sweep.records import Status
from sweep.results.export.base import Table, check_installed
from sweep.results.export.databases import checked_url, made_whole, reason_of, tables_at, with_password
from sweep.results.export.runs import Run, read_runs, seconds_of
from sweep.results.format import spelled
from sweep.store.advice import advice
from sweep.system.urls import without_password

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sweep.records import SweepRecord
    from sweep.results.sweep import Sweep

STATUSES: dict[Status, str] = {
    "queued": "SCHEDULED",
    "running": "RUNNING",
    "paused": "SCHEDULED",
    "completed": "FINISHED",
    "diverged": "FAILED",
    "failed": "FAILED",
    "pruned": "KILLED",
    "interrupted": "KILLED",
}
"""Status of a trial -> that of a run."""
IDENTIFIER = "sweep.id"
"""Tag of an experiment that says which sweep it is of, whatever both are called."""
OWN_TAGS = (
    *("mlflow.runName", "mlflow.source.name", "mlflow.source.type"),
    *("trial", "configuration", "status", "error", "finding", "divergence"),
)
"""Tags of runs that an export replaces; others are those of the users of MLflow."""
EXAMPLE = "sqlite:///mlflow.db"
LONGEST_NAME = 240
"""Characters of the name of a parameter or a metric; MLflow takes 250."""
LONGEST_PARAMETER, LONGEST_TAG = 6_000, 8_000
ARTIFACTS = "mlflow-artifacts:/"
"""Where the files of runs would lie that a server of MLflow keeps; there are none of ours."""


class MlFlow:
    """An experiment of MLflow, in a database such as `sqlite:///mlflow.db`."""

    suffixes: tuple[str, ...] = ()

    def write(self, sweep: Sweep, destination: str, table: Table) -> int:
        """Write all trials of a sweep as runs, in place of those of an earlier export; return their number."""
        check_installed("mlflow", "MLflow", "mlflow")
        url = database_url(destination)
        runs = read_runs(sweep, table)
        with made_whole(checked_url(url, EXAMPLE)) as place, _opened(with_password(place), url) as store:
            experiment = _experiment(store, sweep)
            with store.engine.begin() as connection:
                _insert(connection, _Rows.of(sweep, runs, experiment))
        return len(runs)


def database_url(destination: str) -> str:
    """Return the URL of a database; a file is one of SQLite.

    Raises:
        UsageError: when it is a folder, a server of MLflow, in memory, or none that can be opened.
    """
    if destination.startswith(("http://", "https://")):
        raise UsageError(f"cannot write to the server {destination}; name its database, such as {EXAMPLE}")
    if "://" not in destination and Path(destination).is_dir():
        raise UsageError(f"{destination} is a folder, and MLflow takes databases only, such as {EXAMPLE}")
    url = destination if "://" in destination or not destination else f"sqlite:///{destination}"
    checked_url(url, EXAMPLE)
    return url


def page_of(sweep: Sweep, destination: str) -> str:
    """Return the address of the sweep's curves below that of MLflow's server, whose first table has no metrics."""
    url = database_url(destination)
    with _opened(url, url) as store:
        return f"/#/experiments/{_experiment(store, sweep)}/runs?compareRunsMode=CHART"


@contextmanager
def _opened(url: str, given: str) -> Iterator[Any]:
    """Yield MLflow's store of a database, whose tables are made where it is empty.

    Args:
        url: where it is.
        given: as the user has named it.

    Raises:
        SweepError: when it cannot be used, or is one of other tables.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        _check_tables(given)
        with _quiet():
            from mlflow.exceptions import MlflowException
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

            try:
                store = SqlAlchemyStore(url, ARTIFACTS)
                yield store
                store.engine.dispose()  # so that the file can be renamed
            except MlflowException as error:
                reason = _one_line(error)
                raise SweepError(f"MLflow cannot use {without_password(given)}: {reason}{advice(reason)}") from error
    except (SQLAlchemyError, ImportError) as error:
        reason = _one_line(error)
        raise SweepError(f"the database {without_password(given)} cannot be used: {reason}{advice(reason)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep MLflow from telling of each table that it makes, of what it uses that is deprecated, and of its users."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow  # noqa: F401 (which sets the level of its messages)

        logger = logging.getLogger("mlflow")
        level = logger.level
        logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            logger.setLevel(level)


def _check_tables(url: str) -> None:
    """Refuse a database of another program, in which MLflow would make its own tables."""
    tables = tables_at(checked_url(url, EXAMPLE))
    if tables and "experiments" not in tables:
        raise UsageError(f"{without_password(url)} is not a database of MLflow; name another one, such as {EXAMPLE}")


def _one_line(error: Exception) -> str:
    return " ".join(reason_of(error).split()) or type(error).__name__


def _experiment(store: Any, sweep: Sweep) -> int:
    """Return the number of the sweep's experiment, which is made where there is none.

    Raises:
        SweepError: when there is another one of its name, or it is deleted.
    """
    from mlflow.entities import ExperimentTag
    from mlflow.store.tracking.dbmodels.models import SqlExperiment, SqlExperimentTag
    from sqlalchemy import or_, select

    own = str(_identifier(sweep.record))
    tag = (SqlExperimentTag.experiment_id == SqlExperiment.experiment_id) & (SqlExperimentTag.key == IDENTIFIER)
    columns = (SqlExperiment.experiment_id, SqlExperiment.lifecycle_stage, SqlExperimentTag.value)
    query = select(*columns).outerjoin(SqlExperimentTag, tag)
    with store.engine.connect() as connection:
        wanted = or_(SqlExperimentTag.value == own, SqlExperiment.name == sweep.name)
        found = connection.execute(query.where(wanted)).all()
    for number, stage, identifier in found:
        if identifier == own and stage == "active":
            return int(number)
    if found:
        state = "deleted there; restore it" if found[0][2] == own else "not of this sweep; rename it"
        raise SweepError(
            f"{without_password(store.db_uri)} has an experiment {sweep.name} already, which is {state}, or name "
            "another database"
        )
    texts = {IDENTIFIER: own, "mlflow.note.content": sweep.record.description}
    return int(store.create_experiment(sweep.name, tags=[ExperimentTag(*each) for each in texts.items() if each[1]]))


def _identifier(record: SweepRecord) -> uuid.UUID:
    """Return what tells a sweep from all others, in other databases, too."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{record.fingerprint}/{record.created}/{record.seed}")


@dataclass(frozen=True)
class _Rows:
    """The rows of all runs by MLflow's tables."""

    runs: list[dict[str, Any]]
    parameters: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    latest_metrics: list[dict[str, Any]]
    tags: list[dict[str, Any]]

    @classmethod
    def of(cls, sweep: Sweep, runs: Sequence[Run], experiment: int) -> _Rows:
        """Return the rows of runs."""
        parameters = names([parameter.short_name for parameter in sweep.parameters])
        best = f"best_{sweep.objective.metric}"
        metrics = names([*sweep.metrics(), best])
        rows = cls([], [], [], [], [])
        for run in runs:
            own = {"run_uuid": uuid.uuid5(_identifier(sweep.record), str(run.record.number)).hex}
            title = f"{sweep.name}/{run.record.number}"
            rows.runs.append({**own, **_run(run, title, sweep.record), "experiment_id": experiment})
            for name, value in run.parameters.items():
                text = str(spelled(value))[:LONGEST_PARAMETER]
                rows.parameters.append({**own, "key": parameters[name], "value": text})
            rows.metrics.extend(measured := [{**own, **each} for each in _metrics(run, best, metrics)])
            rows.latest_metrics.extend({each["key"]: each for each in measured}.values())
            tags = {**_tags(run, title), "configuration": str(run.record.number // sweep.repeats)}
            rows.tags.extend({**own, "key": key, "value": value[:LONGEST_TAG]} for key, value in tags.items())
        return rows


def _run(run: Run, title: str, record: SweepRecord) -> dict[str, Any]:
    """Return the columns of MLflow's table of runs that are not of its database."""
    return {
        "name": title,
        "status": STATUSES[run.record.status],
        "start_time": _milliseconds(run.started or seconds_of(record.created)),  # which each run must have
        "end_time": None if run.ended is None else _milliseconds(run.ended),
        "lifecycle_stage": "active",
        "source_type": "LOCAL",
        "source_name": "sweep",
        "entry_point_name": "",
        "source_version": "",
        "user_id": "",
    }


def _tags(run: Run, title: str) -> dict[str, str]:
    return {
        "mlflow.runName": title,
        "mlflow.source.name": "sweep",
        "mlflow.source.type": "LOCAL",
        "trial": str(run.record.number),
        **run.tags,
    }


def _metrics(run: Run, best: str, keys: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield each value of each metric by epoch, and that of the epoch that ranks the trial; `keys` are their names."""
    for epoch in run.epochs:
        for name, value in epoch.metrics.items():
            yield _value(keys[name], value, epoch.number, epoch.time)
    if run.record.best_value is not None:
        yield _value(keys[best], run.record.best_value, run.record.best_epoch or 0, run.ended or run.started)


def _value(key: str, value: float, step: int, time: float) -> dict[str, Any]:
    return {"key": key, "value": value, "step": step, "timestamp": _milliseconds(time), "is_nan": False}


def _milliseconds(time: float) -> int:
    return round(time * 1000)


def _insert(connection: Connection, rows: _Rows) -> None:
    """Insert the rows of runs, in place of those of an earlier export; tags of other names stay."""
    from mlflow.store.tracking.dbmodels import models
    from sqlalchemy import ColumnElement, bindparam, delete, or_, select, update

    runs: Any = models.SqlRun.__table__
    known = set(connection.execute(select(runs.c.run_uuid)).scalars())
    again = [{"b_run": row["run_uuid"], **row} for row in rows.runs if row["run_uuid"] in known]
    new = [_with_artifacts(row) for row in rows.runs if row["run_uuid"] not in known]
    _execute(connection, update(runs).where(runs.c.run_uuid == bindparam("b_run")), again)
    _execute(connection, runs.insert(), new)
    for model, inserted in (
        (models.SqlParam, rows.parameters),
        (models.SqlMetric, rows.metrics),
        (models.SqlLatestMetric, rows.latest_metrics),
        (models.SqlTag, rows.tags),
    ):
        table: Any = model.__table__
        old: ColumnElement[bool] = table.c.run_uuid == bindparam("b_run")
        if model is models.SqlTag:
            old &= or_(*(table.c.key == key for key in OWN_TAGS))
        _execute(connection, delete(table).where(old), [{"b_run": row["b_run"]} for row in again])
        _execute(connection, table.insert(), inserted)


def _execute(connection: Connection, statement: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(statement, rows)


def _with_artifacts(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "artifact_uri": f"{ARTIFACTS}{row['experiment_id']}/{row['run_uuid']}/artifacts"}


def names(own: Iterable[str]) -> dict[str, str]:
    """Return a name that MLflow takes for each of ours, such as hidden.0 for hidden[0]; no two are equal.

    >>> names(["hidden[0]", "a<b>", "a_b_", "loss"])
    {'hidden[0]': 'hidden.0', 'a<b>': 'a_b_', 'a_b_': 'a_b__2', 'loss': 'loss'}
    """
    found: dict[str, str] = {}
    for name in own:
        plain = re.sub(r"[^/\w.\- ]", "_", re.sub(r"\[(\w+)\]", r".\1", name))[:LONGEST_NAME]
        if posixpath.normpath(plain) != plain or plain.startswith(("/", "..")) or plain == ".":
            plain = re.sub(r"^\.+|/", "_", plain) or "_"
        number, first = 2, plain
        while plain in found.values():
            plain, number = f"{first}_{number}", number + 1
        found[name] = plain
    return found
