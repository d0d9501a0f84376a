"""Renaming a sweep: its row, the paths of its files, and all texts that name it or one of its trials.

What is written anew gets a new digest only where the old one was right, so that no damage is covered up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from sweep.errors import SweepError
from sweep.store.connection import Database
from sweep.store.digests import drawn_digests, seal_all, seal_drawn, sweep_digest, trial_digests
from sweep.store.moving import changing, move_aside
from sweep.store.removal import check_idle
from sweep.store.rows import seal_sweep
from sweep.store.schema import parameters, sweeps, trials
from sweep.store.views import create_wide_view

CHUNK = 500
"""Trials that are written at a time."""
FILES = ("weights", "checkpoint")
"""Columns of a trial that name a file in the folder of its sweep."""
ORIGINS = ("forked_from", "taken_from")
"""Columns of a trial that name a trial of another sweep."""


@dataclass(frozen=True)
class Renamed:
    """A sweep that gets another name, or whose trials name one that does."""

    sweep_id: int
    name: str
    """The one that it has from then on."""
    values: Mapping[str, Any]
    """What else changes in its row, by column."""
    labels: Sequence[str] = ()
    """Full names of the parameters that hold names of trials."""
    reconfigured: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    """Gives the configuration of a trial as it is from then on; None where it stays as it is."""


def rename(database: Database, files: Path, folder: str, names: Mapping[str, str], changes: Sequence[Renamed]) -> None:
    """Rename sweeps, and then their folders.

    Args:
        database: which has them.
        files: where the folders of its sweeps are.
        folder: the same, as the paths of files in the database begin.
        names: the new name of each old one.
        changes: one of each sweep that is to be changed.

    Raises:
        SweepError: when one of them is being trained, or a new name is taken; nothing is changed then.
    """
    with changing(database, files) as connection:
        ids = [each.sweep_id for each in changes]
        check_idle(connection, ids, database.now(connection))
        taken = connection.execute(select(sweeps.c.name).where(sweeps.c.name.in_(names.values()))).scalars().first()
        if taken is not None:
            raise SweepError(f"there is a sweep '{taken}' already; choose another name")
        for each in changes:
            if each.name in names.values():
                move_aside(connection, files, each.sweep_id)
        _change_trials(connection, _beginnings(folder, names), changes)
        for each in changes:
            _change_sweep(connection, each)
        for each in changes:
            if each.name in names.values():
                create_wide_view(connection, each.sweep_id)


def _beginnings(folder: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return with what names of trials and paths of files begin, and with what from then on."""
    return {f"{before}{old}/": f"{before}{new}/" for old, new in names.items() for before in ("", f"{folder}/")}


def _change_sweep(connection: Connection, change: Renamed) -> None:
    this = sweeps.c.id == change.sweep_id
    is_sound = connection.execute(select(sweeps.c.digest).where(this)).scalar() == sweep_digest(
        connection, change.sweep_id
    )
    connection.execute(update(sweeps).where(this).values(name=change.name, **change.values))
    if is_sound:
        seal_sweep(connection, change.sweep_id)


def _change_trials(connection: Connection, beginnings: Mapping[str, str], changes: Sequence[Renamed]) -> None:
    """Write the new names into the rows of trials and of their parameters."""
    rows = dict(_changed_rows(connection, beginnings, changes))
    labels = list(_changed_labels(connection, beginnings, changes))
    sound, soundly_drawn = _sound(connection, {*rows, *(trial_id for trial_id, _, _ in labels)})
    for trial_id, values in rows.items():
        connection.execute(update(trials).where(trials.c.id == trial_id).values(values))
    for trial_id, name, text in labels:
        this = (parameters.c.trial_id == trial_id) & (parameters.c.name == name)
        connection.execute(update(parameters).where(this).values(text=text))
    for which in _chunks(soundly_drawn):
        seal_drawn(connection, which)
    for which in _chunks(sound):
        seal_all(connection, which)


def _changed_rows(
    connection: Connection, beginnings: Mapping[str, str], changes: Sequence[Renamed]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the id of each trial that is changed, with its new values by column."""
    reconfigured = {each.sweep_id: each.reconfigured for each in changes if each.reconfigured}
    # SQLite also finds what differs in capitals, which stays as it is.
    named = [trials.c[name].startswith(old, autoescape=True) for name in (*FILES, *ORIGINS) for old in beginnings]
    query = select(*(trials.c[name] for name in ("id", "sweep_id", "configuration", *FILES, *ORIGINS)))
    for row in connection.execute(query.where(or_(trials.c.sweep_id.in_(reconfigured), *named))).mappings():
        values: dict[str, Any] = {name: _renamed(row[name], beginnings) for name in (*FILES, *ORIGINS)}
        if change := reconfigured.get(row["sweep_id"]):
            values["configuration"] = change(row["configuration"])
        if changed := {name: value for name, value in values.items() if value != row[name]}:
            yield row["id"], changed


def _changed_labels(
    connection: Connection, beginnings: Mapping[str, str], changes: Sequence[Renamed]
) -> Iterator[tuple[int, str, str]]:
    """Yield the trial, the name and the new text of each parameter that names a renamed trial."""
    for each in changes:
        query = select(parameters.c.trial_id, parameters.c.name, parameters.c.text).join(trials)
        mine = (trials.c.sweep_id == each.sweep_id) & parameters.c.name.in_(each.labels)
        for trial_id, name, text in connection.execute(query.where(mine)):
            if (new := _renamed(text, beginnings)) != text:
                yield trial_id, name, str(new)


def _renamed(text: str | None, beginnings: Mapping[str, str]) -> str | None:
    old = next((each for each in beginnings if text and text.startswith(each)), None)
    return text if text is None or old is None else beginnings[old] + text.removeprefix(old)


def _sound(connection: Connection, ids: set[int]) -> tuple[list[int], list[int]]:
    """Return which trials have the digest of what is stored of them, and which that of what was drawn."""
    whole, drawn = [], []
    for which in _chunks(ids):
        columns = (trials.c.id, trials.c.digest, trials.c.drawn_digest)
        kept = {row.id: row for row in connection.execute(select(*columns).where(which))}
        whole += [trial_id for trial_id, now in trial_digests(connection, which) if now == kept[trial_id].digest]
        drawn += [trial_id for trial_id, now in drawn_digests(connection, which) if now == kept[trial_id].drawn_digest]
    return whole, drawn


def _chunks(ids: Iterable[int]) -> Iterator[ColumnElement[bool]]:
    """Yield conditions that together hold for the trials of some ids."""
    ordered = sorted(ids)
    return (trials.c.id.in_(ordered[start : start + CHUNK]) for start in range(0, len(ordered), CHUNK))
