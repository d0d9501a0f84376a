"""Integrity: whether a database still holds what was written to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, func, select, text

from sweep.errors import StoreError, counted
from sweep.store.claims import IsLost
from sweep.store.connection import Database
from sweep.store.digests import drawn_digests, sweep_digest, trial_digests
from sweep.store.lifecycle import seconds_between
from sweep.store.schema import batches, decisions, epochs, metadata, parameters, sweeps, trials

CHUNK = 500
"""Trials that are read at a time."""
MOST_MESSAGES = 100
"""At most this many messages of SQLite are asked for."""

Cure = Literal["none", "rebuild", "delete", "draw", "train", "resume"]
"""What repairs a finding: nothing; a new file of all that can be read; deleting; drawing the trial again; training it
again; resuming the sweep."""

Tell = Callable[[int, int], None]
"""Called with the number of trials that are done, and of all."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it should be."""

    words: str
    cure: Cure = "none"
    sweep_id: int | None = None
    number: int | None = None
    """Number of a trial."""
    trial_id: int | None = None
    is_damage: bool = True
    """Whether something is wrong; else it is a note."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What was looked at."""

    sweeps: int
    trials: int
    epochs: int


def count(database: Database) -> Counts:
    """Return how much there is to look at.

    Raises:
        StoreError: when that cannot be read.
    """
    with database.reading() as connection:
        totals = [
            connection.execute(select(func.count()).select_from(table)).scalar() or 0
            for table in (sweeps, trials, epochs)
        ]
    return Counts(*totals)


def kept_files(database: Database) -> list[tuple[str, str | None]]:
    """Return the files of weights and checkpoints that the trials name, each with its SHA-256 if that is known.

    They are relative to the folder of the database.
    """
    pairs = [select(trials.c.id, trials.c[name], trials.c[f"{name}_sha256"]) for name in ("weights", "checkpoint")]
    with database.reading() as connection:
        rows = [row for query in pairs for row in connection.execute(query.order_by(trials.c.id))]
    # A damaged name may be a number.
    return [(name, sha256) for _, name, sha256 in sorted(rows, key=itemgetter(0)) if name and isinstance(name, str)]


def findings(database: Database, is_lost: IsLost, tell: Tell) -> Iterator[Finding]:
    """Look at everything; yield what is wrong with it."""
    if database.is_sqlite:
        yield from _guarded(database, _file, "the file")
        yield from _guarded(database, _foreign, "the list of tables")
    changed = _guarded(database, _sweep_rows, "the table of sweeps")
    yield from changed
    for finding in _guarded(database, _dangling, "rows"):
        # A sweep that has lost its id or its number of trials must not take sound trials with it.
        yield replace(finding, cure="none") if changed else finding
    try:
        with database.reading() as connection:
            heads = connection.execute(select(sweeps.c.id, sweeps.c.name, sweeps.c.trials).order_by(sweeps.c.id)).all()
            ids = {head.id: _ids(connection, head.id) for head in heads}
    except StoreError as error:
        yield Finding(f"the sweeps and trials cannot be listed: {error}", "rebuild")
        return
    done, total = 0, sum(map(len, ids.values()))
    for head in heads:
        for start in range(0, len(ids[head.id]), CHUNK):
            chunk = ids[head.id][start : start + CHUNK]
            yield from _chunk(database, head.name, chunk, is_lost)
            tell(done := done + len(chunk), total)
        if not changed:
            yield from _guarded(database, partial(_numbers, head), head.name)


def _ids(connection: Connection, sweep_id: int) -> list[int]:
    return list(
        connection.execute(select(trials.c.id).where(trials.c.sweep_id == sweep_id).order_by(trials.c.id)).scalars()
    )


def _guarded(database: Database, look: Callable[[Connection], Iterator[Finding]], what: str) -> list[Finding]:
    """Return what a look finds; that it cannot look is a finding, too."""
    try:
        with database.reading() as connection:
            return list(look(connection))
    except StoreError as error:
        return [Finding(f"{what} cannot be read: {error}", "rebuild")]


def _file(connection: Connection) -> Iterator[Finding]:
    """Ask SQLite itself."""
    for message in connection.execute(text(f"PRAGMA integrity_check({MOST_MESSAGES})")).scalars():
        if message != "ok":
            yield Finding(f"SQLite finds the file damaged: {message.splitlines()[0]}", "rebuild")


def _foreign(connection: Connection) -> Iterator[Finding]:
    """Name the tables that another program has made."""
    names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")).scalars()
    foreign = [name for name in names if name not in {*metadata.tables, "alembic_version"}]
    foreign = [name for name in foreign if not name.startswith("sqlite_")]
    if foreign:
        words = f"another program has made tables in it: {', '.join(foreign)}; sweep leaves them as they are"
        yield Finding(words, is_damage=False)


def _dangling(connection: Connection) -> Iterator[Finding]:
    for table, column, parent in (
        (trials, trials.c.sweep_id, sweeps),
        *((table, table.c.trial_id, trials) for table in (parameters, epochs, batches, decisions)),
    ):
        found = connection.execute(select(func.count()).where(has_no(column, parent))).scalar()
        if found:
            verb = "belongs" if found == 1 else "belong"
            yield Finding(f"{counted(found, 'row')} of {table.name} {verb} to no row of {parent.name}", "delete")


def has_no(column: ColumnElement[Any], parent: Table) -> ColumnElement[bool]:
    """Return the condition that a row names a row of another table that does not exist."""
    return column.not_in(select(parent.c.id))


def _sweep_rows(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(select(sweeps.c.id, sweeps.c.name, sweeps.c.digest)).all():
        if row.digest != sweep_digest(connection, row.id):
            yield Finding(
                f"{row.name}: what is stored of the sweep itself has changed; restore the file from a backup, or run "
                "the experiment again under another name",
                sweep_id=row.id,
            )


def _numbers(head: Any, connection: Connection) -> Iterator[Finding]:
    """Compare the numbers of the trials with those that there must be."""
    query = select(trials.c.id, trials.c.number).where(trials.c.sweep_id == head.id)
    found = {row.number: row.id for row in connection.execute(query)}
    for number in sorted(set(range(head.trials)) - found.keys()):
        yield Finding(f"{head.name}/{number} is missing", "draw", head.id, number)
    for number in found.keys() - set(range(head.trials)):
        yield Finding(f"{head.name}/{number} is one trial too many", "delete", head.id, number, found[number])


def _chunk(database: Database, sweep: str, ids: Sequence[int], is_lost: IsLost) -> list[Finding]:
    """Look at some trials together or, where that fails, at each by itself."""

    def look(connection: Connection) -> Iterator[Finding]:
        return _trials(connection, database, sweep, ids, is_lost)

    try:
        with database.reading() as connection:
            return list(look(connection))
    except StoreError as error:
        if len(ids) > 1:
            return [finding for trial_id in ids for finding in _chunk(database, sweep, [trial_id], is_lost)]
        sweep_id, number = _place(database, ids[0])
        return [Finding(f"{sweep}/{number} cannot be read: {error}", "draw", sweep_id, number, ids[0])]


def _place(database: Database, trial_id: int) -> tuple[int | None, int | None]:
    """Return the sweep and the number of a trial whose other columns may be damaged."""
    try:
        with database.reading() as connection:
            query = select(trials.c.sweep_id, trials.c.number).where(trials.c.id == trial_id)
            sweep_id, number = connection.execute(query).one()
            return sweep_id, number
    except StoreError:
        return None, None


def _trials(
    connection: Connection, database: Database, sweep: str, ids: Sequence[int], is_lost: IsLost
) -> Iterator[Finding]:
    which = trials.c.id.in_(ids)
    drawn, whole = dict(drawn_digests(connection, which)), dict(trial_digests(connection, which))
    numbers: dict[int, list[int]] = defaultdict(list)
    for row in connection.execute(select(epochs.c.trial_id, epochs.c.epoch).where(epochs.c.trial_id.in_(ids))):
        numbers[row.trial_id].append(row.epoch)
    now = database.now(connection)
    for trial in connection.execute(select(trials).where(which).order_by(trials.c.id)).mappings():
        name = f"{sweep}/{trial['number']}"
        whose = (trial["sweep_id"], trial["number"], trial["id"])
        if trial["drawn_digest"] != drawn[trial["id"]]:
            yield Finding(f"{name}: what was drawn for it has changed", "draw", *whose)
        elif trial["status"] == "running":
            yield from _running(trial, name, is_lost, now)
        elif trial["digest"] != whole[trial["id"]]:
            cure: Cure = "none" if _is_imported(trial) else "train"
            yield Finding(f"{name}: what is stored of it is not what was written", cure, *whose)
        elif gap := _gap(trial, sorted(numbers[trial["id"]])):
            yield Finding(f"{name}: {gap}", "train", *whose)


def _running(trial: RowMapping, name: str, is_lost: IsLost, now: datetime) -> Iterator[Finding]:
    """Check a running trial, which has no digest yet."""
    whose = (trial["sweep_id"], trial["number"], trial["id"])
    if trial["digest"] is not None:
        yield Finding(f"{name}: its status is running, but it has a digest, as only ended trials have", "train", *whose)
    elif is_lost(trial["owner"] or "", seconds_between(trial["heartbeat"], now)):
        yield Finding(f"{name} is running without an owner", "resume", *whose, is_damage=False)


def _is_imported(trial: RowMapping) -> bool:
    """Tell whether another program has trained a trial, so that it cannot be trained again."""
    trainer = trial["configuration"].get("trainer") if isinstance(trial["configuration"], dict) else None
    return isinstance(trainer, dict) and trainer.get("kind") == "imported"


def _gap(trial: RowMapping, numbers: list[int]) -> str:
    """Return which epochs are missing or too many, as words; the empty string where all are as they should be."""
    last = -1 if trial["last_epoch"] is None else trial["last_epoch"]
    if trial["status"] == "queued" and trial["last_epoch"] is None:
        return ""  # the epochs of an earlier attempt may be there until it is claimed
    if _is_imported(trial):
        return ""  # other programs report when they like
    planned = _exact_epochs(trial)
    if trial["status"] == "completed" and planned and last != planned:
        return f"it is completed with {last} of {planned} epochs"
    first = 1 if "trainer" in trial["configuration"] and numbers[:1] != [0] else 0  # 0 is an untrained network
    expected = list(range(first, last + 1))
    if numbers != expected:
        missing = sorted(set(expected) - set(numbers))
        return f"epochs are missing: {missing[:5]}" if missing else f"it has epochs after its last one, {last}"
    return ""


def _exact_epochs(trial: RowMapping) -> int:
    """Return the number of epochs with which a trial is completed; 0 where it may have fewer, or that is not known.

    A user's own trainer may end early. Of iterations, databases of schema 3 have no exact number of epochs.
    """
    planned: int = trial["planned_epochs"]
    return planned if "epochs" in trial["configuration"].get("training", {}) else 0
