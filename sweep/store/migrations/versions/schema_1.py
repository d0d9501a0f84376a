"""The first schema: sweeps, trials, epochs and parameters."""

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Integer,
    String,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

STATUSES = ("queued", "running", "completed", "diverged", "failed", "pruned", "interrupted")

LEADERBOARD = """
CREATE VIEW leaderboard AS
SELECT sweeps.name AS sweep,
       ROW_NUMBER() OVER (PARTITION BY sweeps.id
                          ORDER BY best_value DESC NULLS LAST, best_loss, number) AS rank,
       number AS trial, best_value AS test_accuracy, best_epoch AS epoch, best_loss AS test_loss,
       seconds, configuration
FROM trials JOIN sweeps ON sweeps.id = trials.sweep_id
WHERE status = 'completed'
"""


def upgrade() -> None:
    """Make the tables, the index and the view."""
    _create_sweeps()
    op.create_table("trials", *_trial_columns(), *_trial_constraints(), comment="one row for each trial")
    op.create_index("ranking", "trials", ["sweep_id", "status", "best_value"])
    _create_epochs()
    _create_parameters()
    op.execute(LEADERBOARD)


def _utc(name: str, comment: str) -> Column[Any]:
    return Column(name, DateTime(timezone=True), comment=f"{comment}, UTC")


def _create_sweeps() -> None:
    op.create_table(
        "sweeps",
        Column("id", Integer, primary_key=True),
        Column("name", String(100), nullable=False, unique=True, comment="name on the command line"),
        Column("description", Text, nullable=False, comment="one line from the experiment file"),
        _utc("created", "when the sweep was begun"),
        Column("trials", Integer, nullable=False, comment="number of trials drawn"),
        Column("epochs", Integer, nullable=False, comment="epochs of the longest trial"),
        Column("seed", BigInteger, nullable=False, comment="seed of all draws"),
        Column("experiment", Text, nullable=False, comment="the experiment file, exactly as it was read"),
        Column("overrides", JSON, nullable=False, comment="what the command line changed in it, as KEY=VALUE"),
        Column("fingerprint", String(64), nullable=False, comment="SHA-256 of all that decides the draws"),
        Column("datasets", JSON, nullable=False, comment="each data set, as configured, with the SHA-256 of its files"),
        Column("data_folder", Text, comment="folder in which the data sets were found"),
        Column("experiment_folder", Text, comment="folder of the experiment file"),
        Column("environment", JSON, nullable=False, comment="versions of packages, BLAS and CPU"),
        comment="one row for each sweep",
    )


def _trial_columns() -> list[Column[Any]]:
    return [
        Column("id", Integer, primary_key=True),
        Column("sweep_id", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
        Column("number", Integer, nullable=False, comment="position in the sweep, dense from 0"),
        Column("status", String(11), nullable=False, comment=" | ".join(STATUSES)),
        Column("attempt", Integer, nullable=False, comment="how often the trial has been started"),
        Column("owner", Text, comment="host:process:parent that trains it, or did last"),
        _utc("heartbeat", "when its owner last wrote"),
        _utc("started", "when this attempt began"),
        _utc("finished", "when this attempt ended"),
        Column("seconds", Double, comment="training time of this attempt, in seconds of wall time"),
        Column("error", Text, comment="why it failed, in one sentence"),
        Column("traceback", Text, comment="Python traceback of the failure"),
        Column("diverged_epoch", Integer, comment="epoch in which the first value that is not finite appeared"),
        Column("diverged_step", Integer, comment="mini-batch within that epoch, from 1"),
        Column("diverged_place", Text, comment="computation that gave it, such as hidden[1]/backward"),
        Column("diverged_kind", String(8), comment="overflow | invalid | divide"),
        Column("seed_weights", BigInteger, nullable=False, comment="seed of the first weights"),
        Column("seed_shuffling", BigInteger, nullable=False, comment="seed of the order of samples"),
        Column("seed_dropout", BigInteger, nullable=False, comment="seed of dropout"),
        Column("configuration", JSON, nullable=False, comment="data, network and training, all values drawn"),
        Column("best_value", Double, comment="best test accuracy over the epochs, in [0, 1]"),
        Column("best_epoch", Integer, comment="first epoch at which it was reached"),
        Column("best_loss", Double, comment="mean test loss at that epoch"),
        Column("last_epoch", Integer, comment="last epoch recorded; 0 is the untrained network"),
        Column("digest", String(64), comment="SHA-256 over all epochs of a finished trial"),
    ]


def _trial_constraints() -> list[UniqueConstraint | CheckConstraint]:
    return [
        UniqueConstraint("sweep_id", "number"),
        CheckConstraint(f"status IN ({', '.join(repr(s) for s in STATUSES)})", name="known_status"),
    ]


def _create_epochs() -> None:
    op.create_table(
        "epochs",
        Column("trial_id", Integer, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False, comment="0 is the untrained network"),
        Column("train_loss", Double, nullable=False, comment="mean over the training part"),
        Column("train_accuracy", Double, nullable=False, comment="fraction in [0, 1]"),
        Column("test_loss", Double, nullable=False, comment="mean over the test part"),
        Column("test_accuracy", Double, nullable=False, comment="fraction in [0, 1]"),
        Column("seconds", Double, nullable=False, comment="wall time of the epoch, its evaluation included"),
        Column("metrics", JSON, comment="other metrics of a user's own training function"),
        comment="one row for each epoch of each trial",
        sqlite_with_rowid=False,
    )


def _create_parameters() -> None:
    op.create_table(
        "parameters",
        Column("trial_id", Integer, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
        Column("name", String(255), primary_key=True, comment="dotted path, such as training.batch_size"),
        Column("type", String(5), nullable=False, comment="int | float | bool | str"),
        Column("number", Double, comment="value of an int, a float or a bool (0 or 1)"),
        Column("text", Text, comment="value of a str"),
        comment="one row for each drawn value of each trial",
        sqlite_with_rowid=False,
    )
