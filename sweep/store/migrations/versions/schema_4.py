"""Any metric and objective, repeats, logs, and the number of planned epochs."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Double,
    ForeignKey,
    Integer,
    String,
    Text,
    bindparam,
    column,
    select,
    table,
    text,
    update,
)

from sweep.store.migrations.digests_4 import SCHEMA_3, SCHEMA_4, sweep_digest, trial_digests

revision = "0004"
down_revision = "0003"

TRIALS = table("trials", column("id"), column("status"), column("digest"))
SWEEPS = table("sweeps", column("id"), column("digest"))

LEADERBOARD = """
CREATE VIEW leaderboard AS
SELECT sweeps.name AS sweep,
       ROW_NUMBER() OVER (PARTITION BY sweeps.id
                          ORDER BY CASE direction WHEN 'max' THEN -best_value ELSE best_value END NULLS LAST,
                                   tie_value NULLS LAST, number) AS rank,
       number AS trial, objective AS metric, best_value AS value, best_epoch AS epoch, tie_value,
       seconds, configuration
FROM trials JOIN sweeps ON sweeps.id = trials.sweep_id
WHERE status = 'completed'
"""

PLANNED = {
    "sqlite": """
        CASE WHEN json_valid(configuration) AND json_type(configuration, '$.training.epochs') = 'integer'
             THEN json_extract(configuration, '$.training.epochs') END
    """,
    "postgresql": r"""
        CASE WHEN configuration #>> '{training,epochs}' ~ '^[0-9]{1,9}$'
             THEN (configuration #>> '{training,epochs}')\:\:integer END
    """,
}
"""The number of epochs that a configuration states; NULL where it states iterations, or cannot be read."""

OLD_COLUMNS = {"best_value": "old_value", "best_epoch": "old_epoch", "best_loss": "best_loss", "deaths": "deaths"}
"""Columns that are replaced, and what they are called until then: SQLite cannot change the comment of a column."""


def upgrade() -> None:
    """Change the tables; write the digests of what is sound by the digests of schema 3, and of nothing else."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":  # keep writers away while digests are compared
        op.execute("LOCK TABLE sweeps, trials, parameters, epochs, batches IN ACCESS EXCLUSIVE MODE")
    sweeps, trials = _sound_sweeps(connection), _sound_trials(connection)
    op.execute("DROP VIEW leaderboard")
    op.drop_index("ranking", "trials")
    _change_sweeps()
    _change_trials(connection.dialect.name)
    _change_epochs(connection.dialect.name)
    op.create_index("ranking", "trials", ["sweep_id", "status", "best_value"])
    op.execute(LEADERBOARD)
    for sweep_id in sweeps:
        digest = sweep_digest(connection, SCHEMA_4, sweep_id)
        connection.execute(update(SWEEPS).where(SWEEPS.c.id == sweep_id).values(digest=digest))
    _write_digests(connection, trials)


def _sound_sweeps(connection: Connection) -> list[int]:
    """Return the sweeps whose digest matches their row."""
    rows = connection.execute(select(SWEEPS.c.id, SWEEPS.c.digest).where(SWEEPS.c.digest.is_not(None))).all()
    return [row.id for row in rows if sweep_digest(connection, SCHEMA_3, row.id) == row.digest]


def _sound_trials(connection: Connection) -> set[int]:
    """Return the trials that are not running and whose digest matches what is kept of them."""
    rows = connection.execute(select(TRIALS).order_by(TRIALS.c.id)).all()
    kept = {row.id: row.digest for row in rows if row.status != "running"}
    digests = trial_digests(connection, SCHEMA_3, [row.id for row in rows])
    return {trial_id for trial_id, digest in digests if kept.get(trial_id) == digest}


def _write_digests(connection: Connection, sound: set[int]) -> None:
    ids = connection.execute(select(TRIALS.c.id).order_by(TRIALS.c.id)).scalars().all()
    write = update(TRIALS).where(TRIALS.c.id == bindparam("this")).values(digest=bindparam("now"))
    digests = trial_digests(connection, SCHEMA_4, ids)
    pairs = [{"this": trial_id, "now": digest} for trial_id, digest in digests if trial_id in sound]
    if pairs:
        connection.execute(write, pairs)


def _change_sweeps() -> None:
    chosen = "epoch that stands for a trial: best | last"
    for new in (
        Column("repeats", Integer, nullable=False, server_default="1", comment="trainings of each configuration"),
        Column("format", Integer, nullable=False, server_default="1", comment="format of the experiment file"),
        Column("objective", String(255), nullable=False, server_default="test_accuracy", comment="metric ranked by"),
        Column("direction", String(3), nullable=False, server_default="max", comment="what is better: max | min"),
        Column("objective_epoch", String(4), nullable=False, server_default="best", comment=chosen),
        Column("tie_break", String(255), comment="metric that orders equal values, the lower one first"),
    ):
        op.add_column("sweeps", new)
    op.execute("UPDATE sweeps SET tie_break = 'test_loss'")


def _change_trials(dialect: str) -> None:
    for name, old in OLD_COLUMNS.items():
        if name != old:
            op.execute(f"ALTER TABLE trials RENAME COLUMN {name} TO {old}")
    for new in _trial_columns():
        op.add_column("trials", new)
    # Trials that end after a number of iterations have no number of epochs in their configuration.
    op.execute(
        text(
            "UPDATE trials SET crashes = deaths, best_value = old_value, best_epoch = old_epoch, "
            f"tie_value = best_loss, planned_epochs = COALESCE({PLANNED[dialect]}, "
            "CASE status WHEN 'completed' THEN last_epoch END, "
            "(SELECT epochs FROM sweeps WHERE sweeps.id = trials.sweep_id), 0)"
        )
    )
    for old in OLD_COLUMNS.values():
        op.drop_column("trials", old)


def _trial_columns() -> list[Column[Any]]:
    planned = "epochs after which it is completed; 0 where not known"
    crashes = "how often its worker process has crashed"
    return [
        Column("repeat", Integer, nullable=False, server_default="0", comment="training of its configuration, from 0"),
        Column("crashes", Integer, nullable=False, server_default="0", comment=crashes),
        Column("log", Text, comment="end of what a command of the user wrote"),
        Column("planned_epochs", Integer, nullable=False, server_default="0", comment=planned),
        Column("best_value", Double, comment="value of the objective of the sweep at the epoch best_epoch"),
        Column("best_epoch", Integer, comment="epoch that stands for the trial by the objective of the sweep"),
        Column("tie_value", Double, comment="value of the metric tie_break of the sweep at that epoch"),
    ]


def _change_epochs(dialect: str) -> None:
    """Let metrics be missing, which in SQLite takes a new table."""
    metrics = "all other metrics, by name"
    if dialect == "postgresql":
        for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            op.alter_column("epochs", name, existing_type=Double(), nullable=True)
        op.alter_column("epochs", "metrics", existing_type=JSON(), comment=metrics)
        return
    op.rename_table("epochs", "old_epochs")
    op.create_table(
        "epochs",
        Column("trial_id", Integer, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False, comment="0 is the untrained network"),
        Column("train_loss", Double, comment="mean over the training part"),
        Column("train_accuracy", Double, comment="fraction in [0, 1]"),
        Column("test_loss", Double, comment="mean over the test part"),
        Column("test_accuracy", Double, comment="fraction in [0, 1]"),
        Column("seconds", Double, nullable=False, comment="wall time of the epoch, its evaluation included"),
        Column("metrics", JSON, comment=metrics),
        comment="one row for each epoch of each trial",
        sqlite_with_rowid=False,
    )
    columns = "trial_id, epoch, train_loss, train_accuracy, test_loss, test_accuracy, seconds, metrics"
    op.execute(f"INSERT INTO epochs ({columns}) SELECT {columns} FROM old_epochs ORDER BY trial_id, epoch")
    op.drop_table("old_epochs")
