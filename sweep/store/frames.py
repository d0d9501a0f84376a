"""Frames: what the database holds, as pandas tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
import pandas as pd
from sqlalchemy import ColumnElement, Connection, FromClause, Integer, Select, case, func, select

from sweep.metrics import NATIVE_METRICS, Objective, SortKey
from sweep.store.metric_values import metric_value
from sweep.store.queries import Recorded, list_sweeps, recorded_metrics, sweep_head
from sweep.store.rows import NATIVE_COLUMNS, drawn_value
from sweep.store.schema import batches, epochs, is_completed, is_ranked, parameters, trials

MOST_NAMED = 1_000
"""Up to this many trials are asked for by their numbers; of more, all of their status are read."""
BUFFERED = 1_000
"""Rows that a server sends at a time where a query is not read as a whole."""
TRIAL_COLUMNS = ["status", "attempt"]
DIVERGED_COLUMNS = ["diverged_epoch", "diverged_step", "diverged_place", "diverged_kind"]
SIZE_COLUMNS = ["network_parameters", "multiplications"]
SOMETIMES = ["finding", *SIZE_COLUMNS]
"""Columns that are left out where no trial has any value."""
END_COLUMNS = ["seconds", *DIVERGED_COLUMNS, "error", "ranked_epochs", *SOMETIMES]
INTEGERS = ("epoch", "epochs", "ranked_epochs", "diverged_epoch", "diverged_step", *SIZE_COLUMNS)
TEXTS = ("status", "diverged_place", "diverged_kind", "error", "finding")
OTHERS = "other metrics"
"""Column of a frame in which metrics without a column of their own arrive."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some of a sweep's trials."""

    which: Literal["ranked", "diverged", "failed", "pruned"]
    n: int | None = None
    """At most this many, the first ones by the objective; None for all."""
    best_first: bool = True


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The epoch that stands for each trial: the metrics at it, as columns, and where they come from."""

    metrics: Mapping[str, ColumnElement[Any]]
    """Of those that have a column, by name."""
    epoch: ColumnElement[Any]
    source: FromClause
    others: list[str]
    """Names of the metrics that are in JSON."""

    def columns(self) -> list[ColumnElement[Any]]:
        """Return the metrics, those in JSON all in one, and the epoch."""
        named = [column.label(name) for name, column in self.metrics.items()]
        return [*named, *([epochs.c.metrics.label(OTHERS)] if self.others else []), self.epoch.label("epoch")]

    def values(self) -> dict[str, ColumnElement[Any]]:
        """Return what trials can be sorted by, by name."""
        in_json = {name: metric_value(epochs, name) for name in self.others}
        return {**self.metrics, **in_json, "trial": trials.c.number}


def sweeps_frame(connection: Connection, now: datetime) -> pd.DataFrame:
    """Return one row for each sweep, newest first; see `Reader.sweeps`."""
    listed = list_sweeps(connection, now)
    statuses = sorted({status for each in listed for status in each.counts})
    columns: dict[str, Any] = {
        "sweep": [each.name for each in listed],
        "created": pd.to_datetime(pd.Series([each.created for each in listed])).dt.floor("s"),
        "trials": pd.Series([each.trials for each in listed], dtype="int64"),
        **{name: pd.Series([each.counts.get(name, 0) for each in listed], dtype="int64") for name in statuses},
        "metric": [each.metric for each in listed],
        "best": pd.Series([each.best for each in listed], dtype="float64"),
        "status": [each.status for each in listed],
        "tags": [", ".join(each.tags) for each in listed],
        "notes": pd.Series([each.notes for each in listed], dtype="int64"),
    }
    return pd.DataFrame(columns)


def trials_frame(
    connection: Connection,
    sweep_id: int,
    objective: Objective | None = None,
    selection: Selection | None = None,
    also: Sequence[str] = (),
) -> pd.DataFrame:
    """Return one row for each trial by number, or for those selected by rank.

    Columns: trial; repeat where the sweep has repeats; status, attempt; the metrics at the epoch that stands for the
    trial by the objective, and that `epoch`; `epochs`, the last one stored; seconds; how it diverged or failed;
    `ranked_epochs`, by which it ranks while a longer training is not completed; `finding`, `network_parameters` and
    `multiplications`, if a trial has them; then each parameter under its full name. The metrics are those of the
    objective and `also`; for an objective other than that of the sweep our own four as well.
    """
    own, repeats, has_earlier = sweep_head(connection, sweep_id)
    objective = objective or own
    wanted = list(dict.fromkeys([objective.metric, *filter(None, [objective.tie_break]), *also]))
    chosen = _chosen(connection, sweep_id, objective, own, wanted)
    which = _which(sweep_id, selection, has_earlier)
    order = order_by(objective.sort_keys(selection.best_first), chosen.values()) if selection else [trials.c.number]
    query = _trials_query(chosen, repeats > 1).where(which).order_by(*order)
    rows = _with_metrics(_frame(connection, query.limit(selection.n) if selection else query), chosen.others)
    if objective == own:
        rows = _ordered(rows, wanted)
    kinds = {"Int64": INTEGERS, "str": TEXTS, "float64": [*chosen.metrics, *chosen.others, "seconds"]}
    rows = rows.astype({name: kind for kind, names in kinds.items() for name in names})
    rows = rows.drop(columns=[name for name in SOMETIMES if rows[name].isna().all()])
    if selection and len(rows) <= MOST_NAMED:
        which = (trials.c.sweep_id == sweep_id) & trials.c.number.in_(rows["trial"].tolist())
    drawn = _parameters_frame(connection, which)
    return rows.join(drawn, on="trial").reset_index(drop=True)


def _chosen(
    connection: Connection, sweep_id: int, objective: Objective, own: Objective, wanted: Sequence[str]
) -> _Chosen:
    """Return the epoch that stands for each trial by an objective."""
    if objective == own:  # it stands with the trial, so that the epochs need not be read
        stored = {own.metric: trials.c.best_value}
        if own.tie_break not in (None, own.metric):
            stored[str(own.tie_break)] = trials.c.tie_value
        more = [name for name in wanted if name not in stored]
        metrics = stored | {name: epochs.c[name] for name in more if name in NATIVE_COLUMNS}
        joined = epochs.c.epoch == trials.c.best_epoch
        source = trials.outerjoin(epochs, (epochs.c.trial_id == trials.c.id) & joined) if more else trials
        return _Chosen(metrics, trials.c.best_epoch, source, [name for name in more if name not in NATIVE_COLUMNS])
    known = recorded_metrics(connection, sweep_id)
    names = [name for name in NATIVE_METRICS if name in wanted or known.has(name)]
    metrics = {name: epochs.c[name] for name in names}
    source = trials.outerjoin(epochs, (epochs.c.trial_id == trials.c.id) & (epochs.c.epoch == _epoch_of(objective)))
    return _Chosen(metrics, epochs.c.epoch, source, [name for name in wanted if name not in NATIVE_COLUMNS])


def _epoch_of(objective: Objective) -> ColumnElement[Any]:
    """Return the number of the epoch that stands for a trial: the last with a value, or the first with the best one.

    Those of a longer training that is not completed do not count.
    """
    last = func.coalesce(trials.c.ranked_epochs, trials.c.last_epoch)
    is_native = objective.metric in NATIVE_COLUMNS
    if objective.epoch == "last" and is_native:
        return last
    other = epochs.alias()
    value = metric_value(other, objective.metric)
    order = value.desc() if objective.is_max else value.asc()
    if objective.epoch == "last":  # a metric may be recorded at the start alone
        order = other.c.epoch.desc()
    # Asked trial by trial, along the primary key: planners that know nothing of the rows find no better way than
    # comparing each trial with each when they are given one list of all best epochs.
    of_trial = select(other.c.epoch).where(other.c.trial_id == trials.c.id, value.is_not(None), other.c.epoch <= last)
    return of_trial.order_by(order, other.c.epoch).limit(1).scalar_subquery()


def _trials_query(chosen: _Chosen, has_repeats: bool) -> Select[Any]:
    names = [*(["repeat"] if has_repeats else []), *TRIAL_COLUMNS]
    head = [trials.c.number.label("trial"), *(trials.c[name] for name in names)]
    tail = [trials.c.last_epoch.label("epochs"), *(trials.c[name] for name in END_COLUMNS)]
    return select(*head, *chosen.columns(), *tail).select_from(chosen.source)


def _which(sweep_id: int, selection: Selection | None, has_earlier: bool) -> ColumnElement[bool]:
    """Return the condition for the trials that are selected from."""
    mine = trials.c.sweep_id == sweep_id
    if selection is None:
        return mine
    if selection.which != "ranked":
        return mine & (trials.c.status == selection.which)
    # Most sweeps have none that rank by an earlier training; then the first ones are found in the index alone.
    return mine & (is_ranked if has_earlier else is_completed)


def order_by(keys: Sequence[SortKey], columns: Mapping[str, ColumnElement[Any]]) -> list[ColumnElement[Any]]:
    """Return the ORDER BY of sort keys; what has no value comes last."""
    ordered = [columns[key.column].asc() if key.ascending else columns[key.column].desc() for key in keys]
    return [each if key.column == "trial" else each.nulls_last() for key, each in zip(keys, ordered, strict=True)]


def _with_metrics(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Put metrics that arrived as JSON into columns of their own, in its place."""
    if not names:
        return rows
    place = rows.columns.get_loc(OTHERS)
    found = rows.pop(OTHERS)
    for offset, name in enumerate(names):
        rows.insert(int(place) + offset, name, [_value(each, name) for each in found])  # type: ignore[arg-type]
    return rows


def _value(metrics: Any, name: str) -> float:
    """Return a metric of an epoch, NaN where it has none of that name."""
    value = metrics.get(name) if isinstance(metrics, dict) else None
    return float("nan") if value is None else float(value)


def _ordered(rows: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """Put the epoch behind the metric of the objective, and the other metrics behind it."""
    first, *more = wanted
    columns = [name for name in rows if name not in wanted and name != "epoch"]
    place = columns.index("epochs")
    return rows[[*columns[:place], first, "epoch", *more, *columns[place:]]]


def _parameters_frame(connection: Connection, wanted: ColumnElement[bool]) -> pd.DataFrame:
    """Return the drawn values: the trials' numbers as index, a column of its own type for each parameter by name."""
    columns_read = (parameters.c.name, parameters.c.type, parameters.c.number, parameters.c.text)
    query = select(trials.c.number.label("trial"), *columns_read).join(trials, trials.c.id == parameters.c.trial_id)
    rows = _frame(connection, query.where(wanted))
    columns: dict[Any, pd.Series[Any]] = {}
    for name, values in rows.set_index("trial").groupby("name"):
        types = set(values["type"])
        if types == {"int"}:
            columns[name] = values["number"].astype("Int64")
        elif types <= {"int", "float"}:
            columns[name] = values["number"].astype("float64")
        elif types == {"bool"}:
            columns[name] = values["number"].astype("boolean")
        else:  # a choice between values of several types
            items = zip(values["type"], values["number"], values["text"], strict=True)
            columns[name] = pd.Series([drawn_value(*item) for item in items], values.index, dtype=object)
    return pd.DataFrame(columns)


def epochs_frame(connection: Connection, sweep_id: int, number: int | None = None) -> pd.DataFrame:
    """Return one row for each epoch of all trials, or of one: trial, epoch, the metrics of the trials, seconds.

    A metric that an epoch lacks is NaN.
    """
    # Most sweeps have our four metrics and no others; asking first takes as long as reading a hundred epochs.
    seconds = case((epochs.c.metrics.is_(None), epochs.c.seconds)).label("seconds")
    four = [*(epochs.c[name] for name in NATIVE_METRICS), seconds]
    frame = _numbers_frame(connection, _epochs_query(four, sweep_id, number))
    is_whole = not any(np.isnan(frame[name].to_numpy()).any() for name in (*NATIVE_METRICS, "seconds"))
    if is_whole:
        return frame
    return next(_any_epochs_frames(connection, sweep_id, number, recorded_metrics(connection, sweep_id, number)))


def epochs_frames(
    connection: Connection, sweep_id: int, number: int | None = None, *, chunk: int
) -> Iterator[pd.DataFrame]:
    """Yield the rows of `epochs_frame` in frames of at most `chunk` rows, of which only one is in memory at a time.

    Each has the columns of the whole, and its index goes on; there is one of no rows where there are no epochs.
    """
    known = recorded_metrics(connection, sweep_id, number)
    start = 0
    for frame in _any_epochs_frames(connection, sweep_id, number, known, chunk):
        frame.index = pd.RangeIndex(start, start := start + len(frame))
        yield frame


def _epochs_query(columns: Sequence[ColumnElement[Any]], sweep_id: int, number: int | None) -> Select[Any]:
    query = (
        select(trials.c.number.label("trial"), epochs.c.epoch, *columns)
        .join(trials, trials.c.id == epochs.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
        .order_by(trials.c.number, epochs.c.epoch)
    )
    return query if number is None else query.where(trials.c.number == number)


def _any_epochs_frames(
    connection: Connection, sweep_id: int, number: int | None, known: Recorded, chunk: int | None = None
) -> Iterator[pd.DataFrame]:
    """Yield the epochs with whatever metrics they have, all in one frame or in frames of at most `chunk` rows."""
    natives = [name for name in NATIVE_METRICS if known.has(name)]
    in_json = [epochs.c.metrics.label(OTHERS)] if known.others else []
    query = _epochs_query([*(epochs.c[name] for name in natives), *in_json, epochs.c.seconds], sweep_id, number)
    if chunk is not None:
        query = query.execution_options(stream_results=True, max_row_buffer=BUFFERED)
    if not known.others:
        yield from _number_frames(connection, query, chunk)
        return
    kinds = {"int64": ("trial", "epoch"), "float64": (*natives, *known.others, "seconds")}
    for frame in _frames(connection, query, chunk):
        rows = _with_metrics(frame, known.others)
        yield rows.astype({name: kind for kind, names in kinds.items() for name in names})


def batches_frame(connection: Connection, sweep_id: int, number: int | None = None) -> pd.DataFrame:
    """Return one row for each recorded mini-batch of all trials, or of one: trial, epoch, step, loss."""
    columns = [trials.c.number.label("trial"), batches.c.epoch, batches.c.step, batches.c.loss]
    query = (
        select(*columns)
        .join(trials, trials.c.id == batches.c.trial_id)
        .where(trials.c.sweep_id == sweep_id)
        .order_by(trials.c.number, batches.c.epoch, batches.c.step)
    )
    if number is not None:
        query = query.where(trials.c.number == number)
    return _numbers_frame(connection, query)


def _numbers_frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    return next(_number_frames(connection, query))


def _number_frames(connection: Connection, query: Select[Any], chunk: int | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of a query for numbers, NaN where one is missing; of millions of rows only one copy is made."""
    kinds = [(column.name, int if isinstance(column.type, Integer) else float) for column in query.selected_columns]
    with connection.execute(query) as result:
        for part in _parts(result, chunk):
            rows = np.fromiter(part, kinds)
            yield pd.DataFrame({name: rows[name] for name, _ in kinds}, copy=False)


def _frame(connection: Connection, query: Select[Any]) -> pd.DataFrame:
    return next(_frames(connection, query))


def _frames(connection: Connection, query: Select[Any], chunk: int | None = None) -> Iterator[pd.DataFrame]:
    """Yield the rows of a query; missing numbers are NaN."""
    with connection.execute(query) as result:
        for part in _parts(result, chunk):
            yield pd.DataFrame.from_records(part, columns=list(result.keys()), coerce_float=True)


def _parts(rows: Iterable[Sequence[Any]], size: int | None) -> Iterator[Iterator[tuple[Any, ...]]]:
    """Yield rows in parts of at most `size`, each read before the next is asked for; one part where size is None.

    As tuples, since pandas takes three times as long to look into rows that are not.
    """
    left = map(tuple, rows)
    yield islice(left, size)
    while size is not None and (first := next(left, None)) is not None:
        yield chain([first], islice(left, size - 1))
