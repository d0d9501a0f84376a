"""Repairing what the integrity check finds.

Nothing unproven gets a digest: a trial that has changed is trained again, which gives the same bits again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from sweep.records import Trial
from sweep.stopping import KINDS, Rule, RungRule
from sweep.store.digests import seal, seal_drawn
from sweep.store.lifecycle import LEFT_BY_AN_ATTEMPT, SUMMARY, queue
from sweep.store.repair.integrity import Finding, has_no
from sweep.store.rows import file_columns, insert_parameters, trial_row
from sweep.store.schema import batches, decisions, epochs, notes, parameters, sweeps, tags, trials
from sweep.store.store import Store
from sweep.system.processes import is_lost

MOST_ATTEMPTS = 1_000_000
"""No trial is started that often: a larger number is a damaged one."""


def mend(store: Store, finding: Finding, draws: Mapping[int, Mapping[int, Trial]]) -> None:
    """Repair one finding, where that is possible.

    Args:
        draws: the trials, by the id of their sweep and their number, of which some have to be drawn again.
    """
    drawn = draws.get(finding.sweep_id or 0, {}).get(-1 if finding.number is None else finding.number)
    with store.database.writing(durable=True) as connection:
        if finding.cure == "delete":
            if finding.trial_id is not None:
                connection.execute(trials.delete().where(trials.c.id == finding.trial_id))
            delete_dangling(connection)
        elif finding.cure == "train" and finding.trial_id is not None:
            restart(connection, finding.trial_id)
        elif finding.cure == "draw" and finding.sweep_id is not None and drawn:
            redraw(connection, finding.sweep_id, drawn, finding.trial_id)
    if finding.cure == "resume" and finding.sweep_id is not None:
        store.requeue(finding.sweep_id, is_lost, interrupted=False)


def delete_dangling(connection: Connection) -> None:
    """Delete the rows that belong to no sweep or no trial."""
    for table in (trials, notes, tags):
        connection.execute(table.delete().where(has_no(table.c.sweep_id, sweeps)))
    for table in (parameters, epochs, batches, decisions):
        connection.execute(table.delete().where(has_no(table.c.trial_id, trials)))


def restart(connection: Connection, trial_id: int) -> None:
    """Queue a trial again as if it had never been trained, without anything that is stored of its training."""
    for table in (epochs, batches):
        connection.execute(delete(table).where(table.c.trial_id == trial_id))
    target = _forget_decisions(connection, trial_id)
    files = file_columns("weights", None) | file_columns("checkpoint", None)
    values: dict[str, Any] = dict.fromkeys((*LEFT_BY_AN_ATTEMPT, *SUMMARY, "ranked_epochs"))
    values |= {**files, "crashes": 0}
    if target is not None:
        values["target_epochs"] = target
    # A damaged attempt may not be a number; it must stay ahead of that of a worker that may still be there.
    attempt = connection.execute(select(func.max(trials.c.attempt)).where(trials.c.attempt < MOST_ATTEMPTS)).scalar()
    values |= {"attempt": attempt, "owner": None, "heartbeat": None, "started": None}
    connection.execute(update(trials).where(trials.c.id == trial_id).values(values))
    queue(connection, trial_id)


def _forget_decisions(connection: Connection, trial_id: int) -> int | None:
    """Delete the decisions about a trial, as they are made again; return the epoch at which it first pauses.

    None, and nothing is deleted, of a trial that no rule ends or that does not pause.
    """
    exempt = connection.execute(select(trials.c.exempt).where(trials.c.id == trial_id)).scalar()
    this = decisions.c.trial_id == trial_id
    made = connection.execute(select(decisions.c.rule, decisions.c.epoch).where(this)).all()
    if exempt is not None:
        return None
    connection.execute(delete(decisions).where(this))
    rungs = [row.epoch for row in made if issubclass(KINDS.get(row.rule, Rule), RungRule)]
    return min(rungs, default=None)


def redraw(connection: Connection, sweep_id: int, drawn: Trial, trial_id: int | None) -> None:
    """Replace a damaged trial by the trial as it was drawn, or insert it where it is missing, and queue it."""
    row = trial_row(sweep_id, drawn)
    if trial_id is None:
        trial_id = connection.execute(insert(trials).values(row).returning(trials.c.id)).scalar_one()
    else:
        connection.execute(update(trials).where(trials.c.id == trial_id).values(row))
    connection.execute(delete(parameters).where(parameters.c.trial_id == trial_id))
    insert_parameters(connection, {trial_id: drawn.parameters})
    restart(connection, trial_id)
    seal_drawn(connection, trials.c.id == trial_id)
    seal(connection, trial_id)
