"""Checkpoints, deaths of workers, and digests over all that is kept instead of the epochs alone."""

import hashlib
import struct
from contextlib import suppress
from typing import Any

from alembic import op
from sqlalchemy import Column, Connection, Integer, String, Text, column, select, table, update

from sweep.store.migrations.digests_3 import EPOCHS, SWEEPS, drawn_digest, sweep_digest, trial_digest

revision = "0003"
down_revision = "0002"

OWNER = "host:process@start:parent@start that trains it, or did last"
DIGEST = "SHA-256 over all that is kept of the trial; none while it is running"
TRIALS = table("trials", column("id"), column("status"), column("digest"), column("drawn_digest"))
DIGESTED_SWEEPS = table("sweeps", column("id"), column("digest"))
FIGURES = ("epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "seconds")
DAMAGED = (ValueError, TypeError, OverflowError)
"""What a time, a number or JSON that is none raises when it is read; `sweep doctor` reports such rows."""


def upgrade() -> None:
    """Add the columns; seal what is sound by the digests of old, and leave the others theirs, which match nothing."""
    _add_columns()  # first, since it keeps the writers of a server away
    connection = op.get_bind()
    old = connection.execute(select(TRIALS.c.id, TRIALS.c.status, TRIALS.c.digest)).all()
    unsound = {row.id: row.digest for row in old if not _is_sound(connection, row)}
    op.drop_column("trials", "digest")  # what is called so from now on is something else
    op.add_column("trials", Column("digest", String(64), comment=DIGEST))
    for row in old:
        with suppress(*DAMAGED):
            _set(connection, row.id, drawn_digest=drawn_digest(connection, row.id))
            if row.id not in unsound and row.status != "running":
                _set(connection, row.id, digest=trial_digest(connection, row.id))
    for trial_id, digest in unsound.items():
        _set(connection, trial_id, digest=digest)
    _seal_sweeps(connection)


def _add_columns() -> None:
    op.add_column("sweeps", Column("digest", String(64), comment="SHA-256 over this row"))
    for new in (
        Column("deaths", Integer, nullable=False, server_default="0", comment="how often its worker process has died"),
        Column("drawn_digest", String(64), comment="SHA-256 over number, seeds, configuration and parameters"),
        Column("checkpoint", Text, comment="file to go on from if its worker dies, relative to the same folder"),
        Column("checkpoint_epoch", Integer, comment="epoch that it is of"),
    ):
        op.add_column("trials", new)
    if op.get_context().dialect.supports_comments:
        op.alter_column("trials", "owner", existing_type=Text(), comment=OWNER)


def _is_sound(connection: Connection, trial: Any) -> bool:
    """Tell whether the epochs of a trial are those that it ended with; of one that has not ended none can tell."""
    if trial.digest is None:
        return trial.status in ("queued", "running")
    of_it = select(*(EPOCHS.c[name] for name in FIGURES)).where(EPOCHS.c.trial_id == trial.id).order_by(EPOCHS.c.epoch)
    digest = hashlib.sha256()
    try:
        for figures in connection.execute(of_it):
            digest.update(struct.pack("<q5d", *figures))
    except struct.error:  # text in the place of a number
        return False
    return bool(digest.hexdigest() == trial.digest)


def _set(connection: Connection, trial_id: int, **values: str | None) -> None:
    connection.execute(update(TRIALS).where(TRIALS.c.id == trial_id).values(**values))


def _seal_sweeps(connection: Connection) -> None:
    sealed = update(DIGESTED_SWEEPS)
    for sweep_id in connection.execute(select(SWEEPS.c.id)).scalars().all():
        with suppress(*DAMAGED):
            digest = sweep_digest(connection, sweep_id)
            connection.execute(sealed.where(DIGESTED_SWEEPS.c.id == sweep_id).values(digest=digest))
