"""Kept weights, and the losses of mini-batches."""

from alembic import op
from sqlalchemy import Column, Double, ForeignKey, Integer, Text

revision = "0002"
down_revision = "0001"

FILE = "file of the kept weights, relative to the folder of the database"


def upgrade() -> None:
    """Add where a trial's weights lie, and the table of mini-batches."""
    op.add_column("trials", Column("weights", Text, comment=FILE))
    op.add_column("trials", Column("weights_epoch", Integer, comment="epoch that they are of"))
    op.create_table(
        "batches",
        Column("trial_id", Integer, ForeignKey("trials.id", ondelete="CASCADE"), primary_key=True),
        Column("epoch", Integer, primary_key=True, autoincrement=False, comment="from 1"),
        Column("step", Integer, primary_key=True, autoincrement=False, comment="mini-batch within the epoch, from 1"),
        Column("loss", Double, nullable=False, comment="mean over the mini-batch, before the step"),
        comment="one row for each mini-batch of trials with training.record_batches",
        sqlite_with_rowid=False,
    )
