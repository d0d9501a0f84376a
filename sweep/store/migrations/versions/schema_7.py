"""What is wrong with how a trial learned, and the state of another trial that it has gone on from.

The digests of rows stay as they are: columns that came with this schema count only where they hold something.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, Text

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the columns."""
    finding = "what is wrong with how it learned, in one clause; none where nothing is"
    forked = "trial and epoch, as SWEEP/TRIAL@EPOCH, whose state it has gone on from"
    op.add_column("trials", Column("finding", Text, comment=finding))
    op.add_column("trials", Column("forked_from", Text, comment=forked))
