"""Notes and tags, which people give to sweeps and trials, and what views are made of.

None of it is part of a digest. From here on views are no part of revisions: `sweep.store.views` makes them.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, DateTime, ForeignKey, Integer, String, Text, UniqueConstraint, text

revision = "0009"
down_revision = "0008"

WHOSE = "trial of the sweep, by its number; none where it is about the sweep itself"


def upgrade() -> None:
    """Add the tables; drop the view, which is made anew."""
    op.execute("DROP VIEW leaderboard")
    _create_tables_of_people()
    op.create_table(
        "parameter_names",
        Column("sweep_id", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
        Column("name", String(255), primary_key=True, comment="dotted path, such as training.batch_size"),
        Column("short_name", String(255), nullable=False, comment="the end of it that is unique in the sweep"),
        Column("type", String(5), nullable=False, comment="int | float | bool | str | mixed"),
        comment="one row for each parameter of each sweep, for the views",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "wide_views",
        Column("sweep_id", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
        Column("view", String(100), nullable=False, comment="view with one row for each trial of the sweep"),
        comment="one row for each sweep",
    )


def _create_tables_of_people() -> None:
    op.create_table(
        "notes",
        Column("id", Integer, primary_key=True),
        Column("sweep_id", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
        Column("trial_number", Integer, comment=WHOSE),
        Column("text", Text, nullable=False, comment="what was noted"),
        Column("written", DateTime(timezone=True), nullable=False, comment="when it was noted, UTC"),
        comment="one row for each note on a sweep or a trial",
    )
    op.create_index("notes_of_sweeps", "notes", ["sweep_id"])
    op.create_table(
        "tags",
        Column("id", Integer, primary_key=True),
        Column("sweep_id", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), nullable=False),
        Column("trial_number", Integer, comment=WHOSE),
        Column("tag", String(100), nullable=False, comment="one word"),
        UniqueConstraint("sweep_id", "trial_number", "tag"),
        comment="one row for each tag of a sweep or a trial",
    )
    of_sweep = text("trial_number IS NULL")
    names = ["sweep_id", "tag"]
    op.create_index("tags_of_sweeps", "tags", names, unique=True, sqlite_where=of_sweep, postgresql_where=of_sweep)
