"""Views, by which the database reads well without us: four of all sweeps, and a wide one of each.

They hold no data of their own, so that a migration drops them and makes them again, by what is written here. A column
of JSON is in none: `trials.configuration` is left out, and `epochs.metrics` is rows of the view "metrics".
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from logging import getLogger

from sqlalchemy import Connection, delete, insert, select, text
from sqlalchemy.exc import DBAPIError

from sweep.records import Scalar
from sweep.space.names import RESERVED, short_name
from sweep.store.schema import parameter_names, parameters, sweeps, trials, wide_views
from sweep.store.view import Column, View, execute, literal, quoted

MOST_JOINED = 50
"""Up to this many parameters are joined one by one, so that a query reads only those that it names.

SQLite joins 64 tables at most; of more parameters, all rows of a trial are read.
"""
MOST_COLUMNS = 1_500
"""Parameters in a wide view, at most: databases allow some 1,600 columns. The view "values" has all."""
MOST_WIDE = 1_000
"""Sweeps that have a wide view, the newest ones: each connection to a file reads the definitions of all.

Measured for 10 parameters: 0.04 ms of each connection's first query for each view.
"""
LONGEST_NAME = 63
"""Bytes of a name on a PostgreSQL server."""
SYSTEM = ("sqlite_", "pg_")
"""How names of tables and views begin that are the databases' own."""
LOG = getLogger(__name__)

SWEEP: Column = ("sweep", "sweeps.name", "name of the sweep")
TRIAL: Column = ("trial", "trials.number", "position in the sweep, dense from 0")
STATUS: Column = ("status", "trials.status", "how it ended, or what it is doing")
IDS: tuple[Column, ...] = (
    ("sweep_id", "trials.sweep_id", "id of sweeps"),
    ("trial_id", "trials.id", "id of trials"),
)

IS_RANKED = "status = 'completed' OR ranked_epochs IS NOT NULL"
ORDER = """CASE direction WHEN 'max' THEN -best_value ELSE best_value END NULLS LAST,
                                   tie_value NULLS LAST, number"""
# A condition on the sweep reaches the rows before they are numbered where the partition is by that column.
PARTITION = "PARTITION BY trials.sweep_id, sweeps.name"

LEADERBOARD = View(
    "leaderboard",
    "one row for each trial that is ranked, of each sweep",
    (
        SWEEP,
        (
            "rank",
            f"""ROW_NUMBER() OVER ({PARTITION}
                          ORDER BY {ORDER})""",
            "place in the sweep by its objective, from 1",
        ),
        TRIAL,
        ("metric", "objective", "metric ranked by"),
        ("value", "best_value", "its value at the epoch that stands for the trial"),
        ("epoch", "best_epoch", "epoch that stands for the trial"),
        ("tie_value", "tie_value", "value of the metric that orders equal values, at that epoch"),
        ("seconds", "trials.seconds", "training time, in seconds of wall time"),
        *IDS,
    ),
    f"""FROM trials JOIN sweeps ON sweeps.id = trials.sweep_id
WHERE {IS_RANKED}""",
)

NATIVE = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
IN_JSON = {
    "sqlite": "(SELECT json_each.value FROM json_each(epochs.metrics) WHERE key = objective)",  # a path fails for some
    "postgresql": "CAST(epochs.metrics ->> objective AS DOUBLE PRECISION)",
}
"""The objective of the sweep at an epoch, where it has no column of its own."""


def _curves(dialect: str) -> View:
    natives = " ".join(f"WHEN '{name}' THEN epochs.{name}" for name in NATIVE)
    value = f"CASE objective {natives}\n            ELSE {IN_JSON[dialect]} END"
    return View(
        "curves",
        "one row for each epoch of each trial",
        (
            ("sweep", "sweep", SWEEP[2]),
            ("trial", "number", TRIAL[2]),
            ("rank", "rank", "place in the sweep; none of a trial that is not ranked"),
            ("status", "status", STATUS[2]),
            ("epoch", "epochs.epoch", "0 is the untrained network"),
            ("value", value, "the metric ranked by"),
            *((name, f"epochs.{name}", "") for name in NATIVE),
            ("seconds", "epochs.seconds", "wall time of the epoch, its evaluation included"),
            *((name, name, comment) for name, _, comment in IDS),
        ),
        f"""FROM (SELECT trials.id AS trial_id, trials.sweep_id, sweeps.name AS sweep, objective, number, status,
             CASE WHEN {IS_RANKED} THEN
               ROW_NUMBER() OVER ({PARTITION}
                          ORDER BY CASE WHEN {IS_RANKED} THEN 0 ELSE 1 END,
                                   {ORDER}) END AS rank
      FROM trials JOIN sweeps ON sweeps.id = trials.sweep_id) AS ranked
JOIN epochs USING (trial_id)""",
    )


VALUES = View(
    "values",
    "one row for each drawn value of each trial",
    (
        SWEEP,
        TRIAL,
        ("parameter", "parameters.name", "dotted path, such as training.batch_size"),
        ("short_name", "COALESCE(parameter_names.short_name, parameters.name)", "the end of it that is unique"),
        ("value", "parameters.number", "an int, a float or a bool (0 or 1)"),
        ("text", "parameters.text", "a str"),
        ("type", "parameters.type", "int | float | bool | str"),
        *IDS,
    ),
    """FROM parameters
JOIN trials ON trials.id = parameters.trial_id
JOIN sweeps ON sweeps.id = trials.sweep_id
LEFT JOIN parameter_names ON parameter_names.sweep_id = trials.sweep_id AND parameter_names.name = parameters.name""",
)


OF_JSON = {
    "sqlite": "JOIN json_each(epochs.metrics) AS own",
    "postgresql": """CROSS JOIN LATERAL json_each_text(
       CASE json_typeof(epochs.metrics) WHEN 'object' THEN epochs.metrics END) AS own""",
}
"""The metrics of an epoch that have no column of their own, as rows of `own`."""


def _metrics(dialect: str) -> View:
    # Each part joins for itself: so a condition on the sweep reaches its rows, in SQLite too.
    part = """SELECT sweeps.name AS sweep, trials.number, epochs.epoch, {name} AS metric,
             CAST({value} AS DOUBLE PRECISION) AS value, trials.sweep_id, trials.id AS trial_id
      FROM sweeps JOIN trials ON trials.sweep_id = sweeps.id JOIN epochs ON epochs.trial_id = trials.id
      {more}"""
    parts = [
        part.format(name=literal(name), value=f"epochs.{name}", more=f"WHERE epochs.{name} IS NOT NULL")
        for name in NATIVE
    ]
    parts.append(part.format(name="own.key", value="own.value", more=f"{OF_JSON[dialect]} WHERE own.key IS NOT NULL"))
    united = "\n      UNION ALL ".join(parts)
    return View(
        "metrics",
        "one row for each metric of each epoch, those of your own trainers too",
        (
            ("sweep", "sweep", SWEEP[2]),
            ("trial", "number", TRIAL[2]),
            ("epoch", "epoch", "0 is the untrained network"),
            ("metric", "metric", "its name"),
            ("value", "value", "its value at this epoch"),
            *((name, name, comment) for name, _, comment in IDS),
        ),
        f"FROM ({united}) AS united",
    )


def fixed_views(dialect: str) -> tuple[View, ...]:
    """Return the views of all sweeps, each after those that it reads."""
    return LEADERBOARD, _curves(dialect), _metrics(dialect), VALUES


HEAD: tuple[Column, ...] = (
    TRIAL,
    ("repeat", "trials.repeat", ""),
    STATUS,
    ("value", "trials.best_value", ""),
    ("epoch", "trials.best_epoch", ""),
)
TAIL: tuple[Column, ...] = (
    ("epochs", "trials.last_epoch", ""),
    *((name, f"trials.{name}", "") for name in ("seconds", "diverged_epoch", "diverged_step")),
    *((name, f"trials.{name}", "") for name in ("diverged_place", "diverged_kind", "error")),
    ("trial_id", "trials.id", ""),
)
TAKEN = RESERVED | {name for name, *_ in (*HEAD, *TAIL)}
"""Short names that no parameter has in a view."""

TYPED = {
    "int": "CAST({number} AS BIGINT)",
    "float": "{number}",
    "bool": "{number} = 1",
    "str": "{text}",
    "mixed": "COALESCE({text}, CAST({number} AS TEXT))",
}
"""Type of a parameter -> its value, from the columns of `parameters`."""


def create_views(connection: Connection) -> None:
    """Create all views, of which there are none, after finding out which parameters each sweep has."""
    for view in fixed_views(connection.dialect.name):
        view.create(connection)
    columns = (trials.c.sweep_id, parameters.c.name, parameters.c.type)
    found: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    query = select(*columns).join(trials, trials.c.id == parameters.c.trial_id).distinct()
    for sweep_id, name, kind in connection.execute(query):
        found[sweep_id][name].add(kind)
    connection.execute(delete(parameter_names))
    connection.execute(delete(wide_views))
    for sweep_id in connection.execute(select(sweeps.c.id).order_by(sweeps.c.id)).scalars().all():
        _write_names(connection, sweep_id, {name: _merged(kinds) for name, kinds in found[sweep_id].items()})
    taken = _names_taken(connection)
    newest = select(sweeps.c.id, sweeps.c.name).order_by(sweeps.c.id.desc()).limit(MOST_WIDE)
    for sweep_id, name in connection.execute(newest).all()[::-1]:
        taken.add(_create_wide_view(connection, sweep_id, name, taken).casefold())


def lacks_views(connection: Connection) -> bool:
    """Tell whether a view of all sweeps is missing, as in a database from before there was one of this name."""
    wide = connection.execute(select(wide_views.c.view)).scalars()
    there = _names_taken(connection) - {name.casefold() for name in wide}
    return any(view.name not in there for view in fixed_views(connection.dialect.name))


def drop_views(connection: Connection) -> None:
    """Drop all views of ours."""
    wide = connection.execute(select(wide_views.c.view)).scalars().all()
    for name in (*wide, *(view.name for view in reversed(fixed_views(connection.dialect.name)))):
        execute(connection, f"DROP VIEW IF EXISTS {quoted(name)}")


def note_parameters(connection: Connection, sweep_id: int, drawn: Iterable[Mapping[str, Scalar]]) -> None:
    """Note which parameters new trials of a sweep have; make its wide view where there is none, or it changes."""
    query = select(parameter_names.c.name, parameter_names.c.type).where(parameter_names.c.sweep_id == sweep_id)
    known = {row.name: row.type for row in connection.execute(query)}
    kinds: dict[str, set[str]] = defaultdict(set, {name: {kind} for name, kind in known.items()})
    for values in drawn:
        for name, value in values.items():
            kinds[name].add(type(value).__name__)
    types = {name: _merged(found) for name, found in kinds.items()}
    if types != known:
        connection.execute(delete(parameter_names).where(parameter_names.c.sweep_id == sweep_id))
        _write_names(connection, sweep_id, types)
    if types != known or _wide_view(connection, sweep_id) is None:
        create_wide_view(connection, sweep_id)


def _merged(kinds: set[str]) -> str:
    """Return the type of a parameter that has values of such types.

    >>> _merged({"int"}), _merged({"int", "float"}), _merged({"int", "str"})
    ('int', 'float', 'mixed')
    """
    if len(kinds) == 1:
        return next(iter(kinds))
    return "float" if kinds == {"int", "float"} else "mixed"


def _write_names(connection: Connection, sweep_id: int, types: Mapping[str, str]) -> None:
    rows = [
        {"sweep_id": sweep_id, "name": name, "short_name": short_name(name, types, TAKEN), "type": kind}
        for name, kind in types.items()
    ]
    if rows:
        connection.execute(insert(parameter_names), rows)


def create_wide_view(connection: Connection, sweep_id: int) -> None:
    """Create the view with a row for each trial of a sweep and a column for each of its parameters; drop an old one.

    A role of a server that may write rows but create no views goes without.
    """
    try:
        with nullcontext() if connection.dialect.name == "sqlite" else connection.begin_nested():
            drop_wide_view(connection, sweep_id)
            name = connection.execute(select(sweeps.c.name).where(sweeps.c.id == sweep_id)).scalar_one()
            _create_wide_view(connection, sweep_id, name, _names_taken(connection))
            older = select(wide_views.c.sweep_id).order_by(wide_views.c.sweep_id.desc()).offset(MOST_WIDE)
            for each in connection.execute(older).scalars().all():
                drop_wide_view(connection, each)
    except DBAPIError as error:
        if connection.dialect.name == "sqlite":
            raise
        LOG.warning("there is no view of the sweep with the id %d: %s", sweep_id, str(error.orig).splitlines()[0])


def drop_wide_view(connection: Connection, sweep_id: int) -> None:
    """Drop the view of a sweep, which is to be deleted or renamed."""
    if name := _wide_view(connection, sweep_id):
        execute(connection, f"DROP VIEW IF EXISTS {quoted(name)}")
        connection.execute(delete(wide_views).where(wide_views.c.sweep_id == sweep_id))


def _wide_view(connection: Connection, sweep_id: int) -> str | None:
    """Return the name of the view of a sweep, None where it has none."""
    return connection.execute(select(wide_views.c.view).where(wide_views.c.sweep_id == sweep_id)).scalar()


def _create_wide_view(connection: Connection, sweep_id: int, sweep: str, taken: set[str]) -> str:
    """Create the view of a sweep and return its name."""
    limit = None if connection.dialect.name == "sqlite" else LONGEST_NAME
    name = _free_name([sweep, f"sweep_{sweep_id}"], taken, limit)
    rows = connection.execute(
        select(parameter_names.c.name, parameter_names.c.short_name, parameter_names.c.type)
        .where(parameter_names.c.sweep_id == sweep_id)
        .order_by(parameter_names.c.name)
        .limit(MOST_COLUMNS)
    ).all()
    names = {each.casefold() for each, *_ in (*HEAD, *TAIL)}
    columns, joined = [], len(rows) <= MOST_JOINED
    source = ["FROM trials"] if joined else ["FROM trials LEFT JOIN parameters ON parameters.trial_id = trials.id"]
    alike = Counter(short.casefold() for _, short, _ in rows)
    for place, (full, short, kind) in enumerate(rows):
        wanted = [short, full] if alike[short.casefold()] == 1 else [full]  # so that each of two says which it is
        column = _free_name(wanted, names, limit, ())
        names.add(column.casefold())
        columns.append((column, TYPED[kind].format(**_value(full, place if joined else None)), ""))
        if joined:
            source.append(f"LEFT JOIN parameters p{place} ON p{place}.trial_id = trials.id AND p{place}.name = ")
            source[-1] += literal(full)
    source.append(f"WHERE trials.sweep_id = {sweep_id}")
    source += [] if joined else ["GROUP BY trials.id"]
    comment = f"one row for each trial of the sweep {sweep}"
    View(name, comment, (*HEAD, *columns, *TAIL), "\n".join(source)).create(connection)
    connection.execute(insert(wide_views).values(sweep_id=sweep_id, view=name))
    return name


def _value(name: str, place: int | None) -> dict[str, str]:
    """Return the columns of a parameter's value: of the table that is joined for it, or of all rows of a trial."""
    if place is not None:
        return {each: f"p{place}.{each}" for each in ("number", "text")}
    case = f"CASE parameters.name WHEN {literal(name)} THEN parameters."
    return {each: f"max({case}{each} END)" for each in ("number", "text")}


def _names_taken(connection: Connection) -> set[str]:
    """Return the names of all that is in the database, without regard to case, by which SQLite tells nothing apart."""
    query = "SELECT name FROM sqlite_master"
    if connection.dialect.name != "sqlite":
        query = "SELECT relname FROM pg_class WHERE relnamespace = CAST(CAST(current_schema() AS text) AS regnamespace)"
    return {name.casefold() for name in connection.execute(text(query)).scalars()}


def _free_name(wanted: Sequence[str], taken: set[str], limit: int | None, forbidden: tuple[str, ...] = SYSTEM) -> str:
    """Return the first name that can be given, the last one with a number if need be."""
    last = wanted[-1]
    for name in (*wanted, *(f"{_cut(last, limit and limit - 6)}_{number}" for number in range(2, len(taken) + 3))):
        cut = _cut(name, limit)
        if cut and cut.casefold() not in taken and not cut.casefold().startswith(forbidden):
            return cut
    raise AssertionError("one of more names than are taken is free")


def _cut(name: str, limit: int | None) -> str:
    return name if limit is None else name.encode()[:limit].decode(errors="ignore")
