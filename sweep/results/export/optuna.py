"""A study of Optuna's in a database of its own, for Optuna's samplers, dashboards and plots.

Optuna creates its tables, and the rows are inserted all at once, as `study.add_trials` takes minutes for a thousand.
Only trials that have ended are written, numbered without gaps as Optuna demands.
"""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, insert, make_url, select, text
from sqlalchemy.exc import SQLAlchemyError

from sweep.errors import SweepError, UsageError
from sweep.records import ENDED
from sweep.results.export.base import Table
from sweep.results.export.databases import OUR_TABLES, checked_url, made_whole, reason_of, tables_at, with_password
from sweep.results.studies import Study, require_optuna
from sweep.store.advice import advice
from sweep.store.histories import read_histories, read_stamps
from sweep.system.urls import without_password

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from sweep.results.sweep import Sweep

THEIR_TABLES = {"studies", "trials", "version_info"}
"""Tables by which a database of Optuna's is known."""
EXAMPLE = "sqlite:///study.db"
EPOCHS = "sweep:epochs"
"""Attribute of a trial that has all metrics of its epochs, from which `sweep import` reads them back."""
TRIAL = "trial"
"""Attribute of a trial that names it in sweep."""


class OptunaExporter:
    """Writes the ended trials of a sweep as a study of Optuna's."""

    suffixes: tuple[str, ...] = ()

    def write(self, sweep: Sweep, destination: str, table: Table) -> int:
        """Write a sweep to a database of Optuna's, and return the number of trials.

        Raises:
            SweepError: as of `write_study`.
        """
        if table != "trials":
            raise UsageError(
                f"a study of Optuna's holds trials with their curves, so there is no table of {table} in it"
            )
        return write_study(sweep, destination)


def write_study(sweep: Sweep, place: str) -> int:
    """Write the ended trials of a sweep as a new study of its name; return how many these are.

    Args:
        sweep: the sweep.
        place: a database as Optuna names it, such as sqlite:///study.db, or a file.

    Raises:
        SweepError: when Optuna is not installed, there is such a study already, or it cannot be written.
        UsageError: when the URL is wrong, or that of a database of sweeps.
    """
    require_optuna()
    address = study_url(place)
    trials = list(frozen_trials(sweep))
    shown = without_password(address)
    with made_whole(make_url(address)) as url, storage_at(with_password(url), shown, creating=True) as storage:
        from optuna.study import StudyDirection

        if sweep.name in [each.study_name for each in storage.get_all_studies()]:
            raise SweepError(
                f"there is a study '{sweep.name}' in {shown} already; write to another database, or delete it with: "
                f"optuna delete-study --study-name {sweep.name} --storage {shown}"
            )
        direction = StudyDirection.MAXIMIZE if sweep.objective.is_max else StudyDirection.MINIMIZE
        with storage.engine.begin() as connection:
            _insert(connection, Study(sweep.record), sweep.name, direction, trials)
        if storage.engine.dialect.name == "sqlite":  # the browser-only dashboard reads no file with a log beside it
            with storage.engine.connect() as connection:
                connection.execute(text("PRAGMA journal_mode=delete"))
    return len(trials)


def frozen_trials(sweep: Sweep) -> Iterator[FrozenTrial]:
    """Yield the ended trials of a sweep in Optuna's terms, numbered from 0."""
    study = Study(sweep.record, sweep.metrics())
    stamps = [stamp for stamp in read_stamps(sweep.store.database, sweep.record.id) if stamp.status in ENDED]
    ids = [stamp.id for stamp in stamps]
    histories = read_histories(sweep.store.database, sweep.record.id, sweep.objective.metric, ids, ids)
    study.see(histories)
    others = _other_curves(sweep)
    for number, history in enumerate(histories):
        trial = study.frozen(history, number, attributes={TRIAL: f"{sweep.name}/{history.number}"})
        if curves := others.get(history.number):
            trial.system_attrs = {EPOCHS: curves}
        yield trial


def _other_curves(sweep: Sweep) -> dict[int, dict[str, list[float | None]]]:
    """Return the metrics besides the objective, and the seconds, of the epochs of each trial by its number."""
    frame = sweep.epochs()
    if frame.empty:
        return {}
    frame = frame[frame[sweep.objective.metric].notna()].drop(columns=["epoch", sweep.objective.metric])
    return {
        int(str(number)): {
            str(name): [None if math.isnan(value) else value for value in own[name].tolist()]
            for name in own.columns
            if name != "trial"
        }
        for number, own in frame.groupby("trial")
    }


def study_url(url: str, purpose: Literal["export", "import"] = "export") -> str:
    """Return the URL of a database of Optuna's that is not one of sweeps.

    Raises:
        UsageError: when it is one of sweeps, no URL, or, to be exported to, one of another program.
    """
    address = url if "://" in url or not url else f"sqlite:///{url}"
    parsed, given = checked_url(address, EXAMPLE), without_password(url)
    tables = tables_at(parsed)
    if tables >= OUR_TABLES:
        wrong = "in which Optuna would make tables; name another one"
        if purpose == "import":
            wrong = f"whose sweeps need no import; look at them with: sweep list --db {shlex.quote(given)}"
        raise UsageError(f"{given} is a database of sweeps, {wrong}")
    if purpose == "export" and tables and not tables >= THEIR_TABLES:
        raise UsageError(f"{given} is a database, but not one of Optuna's; name another one, such as {EXAMPLE}")
    return address


@contextmanager
def storage_at(address: str, shown: str, creating: bool = False) -> Iterator[Any]:
    """Yield Optuna's storage at a URL, of which messages tell as it is `shown`.

    Raises:
        SweepError: when it cannot be opened or written, or another version of Optuna has made it.
    """
    import optuna

    parsed = make_url(address)
    if not creating and parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise SweepError(f"there is no file '{parsed.database}'")
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = None
    try:
        storage = optuna.storages.RDBStorage(address, skip_table_creation=not creating)
        yield storage
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError, AssertionError) as error:
        reason = reason_of(error.__cause__ or error)
        raise SweepError(f"{shown} cannot be used as a database of Optuna's: {reason}{advice(reason)}") from None
    except RuntimeError as error:
        raise SweepError(f"{shown} cannot be used by the installed Optuna: {reason_of(error)}") from None
    finally:
        optuna.logging.set_verbosity(verbosity)
        if storage is not None:
            with suppress(SQLAlchemyError):
                storage.remove_session()
            storage.engine.dispose()


def _insert(connection: Connection, study: Study, name: str, direction: Any, trials: Sequence[FrozenTrial]) -> None:
    """Insert the rows of a study."""
    from optuna.storages._rdb import models

    connection.execute(insert(models.StudyModel), [{"study_name": name}])
    study_id = connection.execute(
        select(models.StudyModel.study_id).where(models.StudyModel.study_name == name)
    ).scalar_one()
    connection.execute(
        insert(models.StudyDirectionModel), [{"direction": direction, "study_id": study_id, "objective": 0}]
    )
    for model, found in (
        (models.StudyUserAttributeModel, study.attributes),
        (models.StudySystemAttributeModel, study.system_attributes),
    ):
        rows = [{"study_id": study_id, "key": key, "value_json": json.dumps(value)} for key, value in found.items()]
        connection.execute(insert(model), rows)
    if trials:
        _insert_trials(connection, models, study_id, trials)


def _insert_trials(connection: Connection, models: Any, study_id: int, trials: Sequence[FrozenTrial]) -> None:
    """Insert the trials of a study, whose ids the database gives, and all that belongs to them."""
    table = models.TrialModel.__table__
    rows = []
    for trial in trials:
        made = models.TrialModel(datetime_start=trial.datetime_start, datetime_complete=trial.datetime_complete)
        times = {"datetime_start": made._datetime_start_utc, "datetime_complete": made._datetime_complete_utc}
        rows.append({"number": trial.number, "study_id": study_id, "state": trial.state, **times})
    connection.execute(insert(table), rows)
    numbers = select(table.c.number, table.c.trial_id).where(table.c.study_id == study_id)
    ids: dict[int, int] = {int(number): int(found) for number, found in connection.execute(numbers)}
    for model, found in _details(models, trials):
        new = [{"trial_id": ids[number], **row} for number, row in found]
        if new:
            connection.execute(insert(model.__table__), new)


Rows = Iterator[tuple[int, dict[str, Any]]]
"""Rows of a table, each with the number of its trial."""


def _details(models: Any, trials: Sequence[FrozenTrial]) -> Iterator[tuple[Any, Rows]]:
    """Yield each table of what belongs to trials with its rows."""
    yield models.TrialParamModel, _parameter_rows(trials)
    yield models.TrialValueModel, _value_rows(models.TrialValueModel, trials)
    yield models.TrialIntermediateValueModel, _curve_rows(models.TrialIntermediateValueModel, trials)
    yield models.TrialUserAttributeModel, _attribute_rows((each.number, each.user_attrs) for each in trials)
    yield models.TrialSystemAttributeModel, _attribute_rows((each.number, each.system_attrs) for each in trials)


def _parameter_rows(trials: Sequence[FrozenTrial]) -> Rows:
    from optuna.distributions import distribution_to_json

    texts: dict[int, str] = {}  # by the distribution's own id: most trials have the same ones, which the trials keep
    for each in trials:
        for name, known in each.distributions.items():
            if id(known) not in texts:
                texts[id(known)] = distribution_to_json(known)
            row = {"param_name": name, "param_value": known.to_internal_repr(each.params[name])}
            yield each.number, {**row, "distribution_json": texts[id(known)]}


def _value_rows(model: Any, trials: Sequence[FrozenTrial]) -> Rows:
    for each in trials:
        if each.value is not None:
            value, kind = model.value_to_stored_repr(each.value)
            yield each.number, {"objective": 0, "value": value, "value_type": kind}


def _curve_rows(model: Any, trials: Sequence[FrozenTrial]) -> Rows:
    for each in trials:
        for epoch, figure in each.intermediate_values.items():
            value, kind = model.intermediate_value_to_stored_repr(figure)
            yield each.number, {"step": epoch, "intermediate_value": value, "intermediate_value_type": kind}


def _attribute_rows(attributes: Iterable[tuple[int, dict[str, Any]]]) -> Rows:
    for number, found in attributes:
        for key, value in found.items():
            yield number, {"key": key, "value_json": json.dumps(value)}
